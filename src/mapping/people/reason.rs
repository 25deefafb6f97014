//! Why a customer, or something of one, is not sent.

use super::contact::EmailError;

/// Counted; never with whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PeopleReason {
    NoEmail,
    InvalidEmail,
    /// An alias that VTEX shows instead of a shopper's address: it is nobody's.
    MaskedEmail,
    /// An informal registration (tipo 3).
    Informal,
    Inactive,
    /// Without the basic consent.
    NotConsented,
    /// Of consents: the customer has said nothing.
    NothingSaid,
    /// Neither person nor company.
    UnknownKind,
    NoName,
    /// CPF or CNPJ is none: sent without.
    InvalidDocument,
    /// Sent without it.
    InvalidPhone,
    InvalidBirthDate,
    /// The address is not sent.
    InvalidAddress,
    /// An address outside Brazil is not sent.
    ForeignAddress,
    /// An agreement without a date proves nothing: it is ignored.
    UndatedAgreement,
    /// What takes something back without a date: it counts as the newest.
    UndatedRefusal,
    /// A state of consent that is none: it is no agreement.
    UnknownConsentState,
    /// An agreement that is not newer than what was taken back before (its row is gone, or was changed): it does not
    /// count.
    OutdatedAgreement,
    /// An agreement that VTEX was told of and Live has no record of any more: taken back.
    DeletedAgreement,
    /// The row was deleted in Live.
    Deleted,
}

impl PeopleReason {
    pub const ALL: [Self; 20] = [
        Self::NoEmail,
        Self::InvalidEmail,
        Self::MaskedEmail,
        Self::Informal,
        Self::Inactive,
        Self::NotConsented,
        Self::NothingSaid,
        Self::UnknownKind,
        Self::NoName,
        Self::InvalidDocument,
        Self::InvalidPhone,
        Self::InvalidBirthDate,
        Self::InvalidAddress,
        Self::ForeignAddress,
        Self::UndatedAgreement,
        Self::UndatedRefusal,
        Self::UnknownConsentState,
        Self::OutdatedAgreement,
        Self::DeletedAgreement,
        Self::Deleted,
    ];

    /// `outcome/reason`, the labels of the metric.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoEmail => "skipped/no-email",
            Self::InvalidEmail => "refused/invalid-email",
            Self::MaskedEmail => "skipped/masked-email",
            Self::Informal => "skipped/informal",
            Self::Inactive => "skipped/inactive",
            Self::NotConsented => "skipped/not-consented",
            Self::NothingSaid => "skipped/nothing-said",
            Self::UnknownKind => "refused/unknown-kind",
            Self::NoName => "refused/no-name",
            Self::InvalidDocument => "adjusted/invalid-document",
            Self::InvalidPhone => "adjusted/invalid-phone",
            Self::InvalidBirthDate => "adjusted/invalid-birth-date",
            Self::InvalidAddress => "adjusted/invalid-address",
            Self::ForeignAddress => "adjusted/foreign-address",
            Self::UndatedAgreement => "adjusted/undated-agreement",
            Self::UndatedRefusal => "adjusted/undated-refusal",
            Self::UnknownConsentState => "adjusted/unknown-consent-state",
            Self::OutdatedAgreement => "adjusted/outdated-agreement",
            Self::DeletedAgreement => "adjusted/deleted-agreement",
            Self::Deleted => "skipped/deleted",
        }
    }

    /// The same for people who read: `skipped: not consented`.
    pub fn words(self) -> String {
        self.name().replace('/', ": ").replace('-', " ")
    }
}

impl From<EmailError> for PeopleReason {
    fn from(error: EmailError) -> Self {
        match error {
            EmailError::Missing => Self::NoEmail,
            EmailError::Invalid => Self::InvalidEmail,
            EmailError::Masked => Self::MaskedEmail,
        }
    }
}
