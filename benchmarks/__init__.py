"""What walletport costs, as ratios between two things measured in one run: machines are noisy."""
