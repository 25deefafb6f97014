//! What is written down of a change.

use crate::mapping::config::Role;

/// What a change row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The mapped columns: nothing is asked of Live again.
    #[default]
    Row,
    /// Of stock and prices only which row it is; it is read again in the background. The change tables stay small;
    /// what the shop's statements cost is much the same (`scripts/bench burden`), and reading again costs Live and maré
    /// more. Reference data is written down whole in any case.
    Key,
}

impl Form {
    /// How the tables of this role are written down where this form is configured.
    pub const fn of(self, role: Role) -> Self {
        match role {
            Role::Stock | Role::Price => self,
            _ => Self::Row,
        }
    }
}
