//! Signature Version 4: what is let in, what is refused, and with which words.
//!
//! Valid requests are signed by AWS's own code: the Rust SDK's signer at run time, botocore ahead of time
//! (`botocore.json`, made by `sign_with_botocore.py`).

mod accepted;
mod golden;
mod order;
mod properties;
mod refused;
mod signer;
