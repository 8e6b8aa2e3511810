"""Acme: what the vendor documents, with the address of each page; the adapter and the emulator are written from it.

**Hosts** and environments. **Credentials**: where they are made, where they travel, how long they are good for.

**Requests**: method, path, fields and answers of each that is used here. **Idempotency**: where a key travels, what it
may look like, for how long it is remembered, what a repeat is answered with. **Errors**: status, code and meaning.
**Lists**: how pages are asked for. **Webhooks**: events and signature. **Limits**.

What the vendor leaves open stands here too.
"""

from walletport_acme.provider import Acme

__all__ = ["Acme"]
