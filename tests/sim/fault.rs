//! Deliberate mistakes. Each is one that a careless replicator makes; a seed that survives it proves nothing.

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Row versions are read up to the newest one, past transactions that are still open.
    SkipTheBound,
    /// Live is told that a batch is safe before it is on disk.
    ConfirmBeforeSync,
    /// The position is stored before the keys that it stands for.
    PositionBeforeKeys,
    /// A restart relies on what the last process wrote and did not sync.
    TrustTheCache,
    /// A slot that was made again is read on as if it were the old one.
    ReuseProgress,
    /// A column that was not sent counts as zero.
    AbsentIsZero,
    /// `Retry-After` is not handed on.
    IgnoreRetryAfter,
    /// A restart does not ask which writes were out.
    ForgetWhatWasOut,
    /// A lost answer counts as a request that never arrived.
    HideAmbiguity,
    /// A request is sent twice at once, to be sure.
    SendTwice,
    /// A chunk of a compare goes over what the stream has said meanwhile.
    OpenTheGate,
    /// The record of a key goes although a newer value is on disk.
    SettleNewer,
    /// Of two changes in one window the first one stays.
    KeepTheFirst,
    /// A newer value on disk does not know that an older one may still be written.
    NewerForgetsDoubt,
    /// What is read once more after a kill takes the place of what is newer.
    ReplayGoesOver,
    /// The feed's message is confirmed before Live has the order.
    AckBeforeCommit,
    /// An order is written without looking for it.
    InsertBlindly,
    /// VTEX is not asked whether it still holds what it confirmed.
    SkipTheProof,
}

impl Fault {
    pub(crate) const ALL: [Self; 18] = [
        Self::SkipTheBound,
        Self::ConfirmBeforeSync,
        Self::PositionBeforeKeys,
        Self::TrustTheCache,
        Self::ReuseProgress,
        Self::AbsentIsZero,
        Self::IgnoreRetryAfter,
        Self::ForgetWhatWasOut,
        Self::HideAmbiguity,
        Self::SendTwice,
        Self::OpenTheGate,
        Self::SettleNewer,
        Self::KeepTheFirst,
        Self::NewerForgetsDoubt,
        Self::ReplayGoesOver,
        Self::AckBeforeCommit,
        Self::InsertBlindly,
        Self::SkipTheProof,
    ];
}
