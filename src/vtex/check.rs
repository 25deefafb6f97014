//! What `mare check` asks of an account.
