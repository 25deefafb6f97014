//! Requests about people (VTEX Master Data and user rights). `Debug` shows none of them.

use std::fmt;

use compact_str::CompactString;

use super::Route;
use super::catalog::Document;
use crate::core::entity::RemoteId;
use crate::core::time::Timestamp;

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub enum PeopleCall {
    /// `GET /api/dataentities/CL/search?_where=email=…`: eventually consistent.
    FindCustomer { email: CompactString },
    /// `GET /api/dataentities/CL/documents/{id}`, reduced to the e-mail address.
    ReadCustomer { id: CompactString },
    /// `PATCH /api/dataentities/CL/documents/{id}`; without an id `PATCH …/documents`, which VTEX turns into a change of
    /// the document with this e-mail address, or a new one. `email` is in the body.
    SaveCustomer { id: Option<CompactString>, body: Document },
    /// `PUT /api/dataentities/AD/documents/{id}`: replaces, or makes it under this id.
    SaveAddress { id: CompactString, body: Document },
    /// `DELETE …/AD/documents/{id}`: one that is not there is as good.
    DeleteAddress { id: CompactString },
    /// `PUT /api/dataentities/{entity}/documents/{id}`: one document for each customer and purpose.
    SaveAct { id: CompactString, body: Document },
    /// `POST /api/user-rights/forget/jobs`
    Forget { email: CompactString },
    /// `GET /api/user-rights/forget/jobs/{job}`
    ReadForget { job: CompactString },
    /// `GET /api/dataentities/CL/search`, a page of what was changed or made in a span of time: eventually consistent.
    ReadShoppers(Span),
    /// `GET /api/dataentities/CL/documents/{id}`, reduced to what a [`Shopper`] is.
    ReadShopper { id: CompactString },
}

/// Which customers of the shop are asked for: a page of those whose date lies in a span of time, the earliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub date: DateField,
    /// Both ends belong to it.
    pub from: Timestamp,
    pub to: Timestamp,
    /// So many at the beginning are left out.
    pub skip: usize,
}

/// Customers in a page, the most that VTEX gives.
pub const SHOPPERS_PAGE: usize = 100;

/// A date that Master Data keeps beside the fields of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DateField {
    /// Of the last change; empty until there is one.
    Updated,
    /// Of documents that nobody has changed since.
    Created,
}

/// A customer as the shop has it, as far as consent is concerned. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Shopper {
    /// VTEX's id.
    pub id: CompactString,
    /// As VTEX has it, unchecked; the same with the next one.
    pub email: Option<CompactString>,
    /// CPF, then CNPJ.
    pub documents: Vec<CompactString>,
    /// `isNewsletterOptIn`; none: nothing was ever said.
    pub newsletter: Option<bool>,
    pub created_at: Timestamp,
    /// When anything of it was changed last, and thus the latest that the newsletter can have been.
    pub changed_at: Timestamp,
}

/// What a request that VTEX accepted has answered. Writes that answer nothing of interest are
/// [`super::Answer::Done`] (304 too: nothing was to be changed).
#[derive(Clone, PartialEq, Eq)]
pub enum PeopleAnswer {
    /// Of `FindCustomer`.
    Found(Option<CompactString>),
    /// Of `ReadCustomer`.
    Email(Option<CompactString>),
    /// Of `SaveCustomer` without an id: that of the document.
    Saved(CompactString),
    /// Of `Forget`.
    Job(CompactString),
    JobState(JobState),
    Shoppers(Vec<Shopper>),
    /// None: VTEX has no such customer (any more).
    Shopper(Option<Shopper>),
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    InProgress,
    Success,
    Failed,
}

impl PeopleCall {
    pub const fn route(&self) -> Route {
        if self.writes() { Route::PeopleWrite } else { Route::PeopleRead }
    }

    pub const fn writes(&self) -> bool {
        !matches!(
            self,
            Self::FindCustomer { .. }
                | Self::ReadCustomer { .. }
                | Self::ReadForget { .. }
                | Self::ReadShoppers(_)
                | Self::ReadShopper { .. }
        )
    }

    /// Whether it names nothing by VTEX's id.
    pub const fn is_first(&self) -> bool {
        matches!(
            self,
            Self::FindCustomer { .. }
                | Self::SaveCustomer { id: None, .. }
                | Self::Forget { .. }
                | Self::ReadShoppers(_)
        )
    }

    pub(crate) const fn fits(&self, answer: &PeopleAnswer) -> bool {
        matches!(
            (self, answer),
            (Self::FindCustomer { .. }, PeopleAnswer::Found(_))
                | (Self::ReadCustomer { .. }, PeopleAnswer::Email(_))
                | (Self::SaveCustomer { .. }, PeopleAnswer::Saved(_))
                | (Self::Forget { .. }, PeopleAnswer::Job(_))
                | (Self::ReadForget { .. }, PeopleAnswer::JobState(_))
                | (Self::ReadShoppers(_), PeopleAnswer::Shoppers(_))
                | (Self::ReadShopper { .. }, PeopleAnswer::Shopper(_))
        )
    }

    /// Method and path, without whom it is about.
    pub fn line(&self) -> String {
        const ENTITIES: &str = "/api/dataentities";
        match self {
            Self::FindCustomer { .. } | Self::ReadShoppers(_) => format!("GET {ENTITIES}/CL/search"),
            Self::ReadCustomer { id } | Self::ReadShopper { id } => {
                format!("GET {ENTITIES}/CL/documents/{id}")
            }
            Self::SaveCustomer { id: None, .. } => format!("PATCH {ENTITIES}/CL/documents"),
            Self::SaveCustomer { id: Some(id), .. } => format!("PATCH {ENTITIES}/CL/documents/{id}"),
            Self::SaveAddress { id, .. } => format!("PUT {ENTITIES}/AD/documents/{id}"),
            Self::DeleteAddress { id } => format!("DELETE {ENTITIES}/AD/documents/{id}"),
            Self::SaveAct { id, .. } => format!("PUT {ENTITIES}/{{consent}}/documents/{id}"),
            Self::Forget { .. } => "POST /api/user-rights/forget/jobs".to_owned(),
            Self::ReadForget { job } => format!("GET /api/user-rights/forget/jobs/{job}"),
        }
    }
}

impl PeopleAnswer {
    /// VTEX's id of the customer, or of the job that erases the customer, if the answer tells it.
    pub fn id(&self) -> Option<RemoteId> {
        match self {
            Self::Found(id) => id.clone().map(RemoteId::Document),
            Self::Saved(id) => Some(RemoteId::Document(id.clone())),
            Self::Job(job) => Some(RemoteId::Erasure(job.clone())),
            Self::Email(_) | Self::JobState(_) | Self::Shoppers(_) | Self::Shopper(_) => None,
        }
    }
}

impl fmt::Debug for PeopleCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl fmt::Debug for Shopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shopper(..)")
    }
}

impl fmt::Debug for PeopleAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeopleAnswer(..)")
    }
}
