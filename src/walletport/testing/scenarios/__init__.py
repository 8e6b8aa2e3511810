"""The scenarios, a module for each thing they are about."""
