//! `[mapping.customers]` and `[mapping.consent]`.

use compact_str::CompactString;
use serde::Deserialize;

/// `[mapping.customers]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CustomersConfig {
    /// Only customers who agreed to being registered are sent (LGPD: no processing without a purpose that somebody
    /// agreed to). Default: true.
    pub require_basic_consent: bool,
    /// The code of that purpose. Default: `CADASTRO`.
    pub basic_purpose: CompactString,
    /// What `sexo` holds for men. None: nothing is sent, since Live's documents do not say what it means.
    pub male: Option<i64>,
    /// As `male`, for women.
    pub female: Option<i64>,
}

impl Default for CustomersConfig {
    fn default() -> Self {
        let basic_purpose = CompactString::const_new("CADASTRO");
        Self { require_basic_consent: true, basic_purpose, male: None, female: None }
    }
}

/// `[mapping.consent]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentConfig {
    /// The purpose that is e-mail marketing, VTEX's `isNewsletterOptIn`. A consent to being registered is none.
    /// Default: `MARKETING_EMAIL`.
    pub email_marketing_purpose: CompactString,
}

impl Default for ConsentConfig {
    fn default() -> Self {
        Self { email_marketing_purpose: CompactString::const_new("MARKETING_EMAIL") }
    }
}

/// Sections that would not mean what they say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPeopleConfig {
    #[error("mapping.{0} is empty; give the code of a purpose (finalidade_consentimento.codigo)")]
    NoPurpose(&'static str),
    #[error(
        "mapping.consent.email_marketing_purpose and mapping.customers.basic_purpose are the same: whoever is \
         registered would be signed up for the newsletter"
    )]
    SamePurpose,
    #[error("mapping.customers.male and female are the same")]
    SameSex,
}

impl CustomersConfig {
    /// # Errors
    /// What is wrong with these sections.
    pub fn validate(&self, consents: &ConsentConfig) -> Result<(), InvalidPeopleConfig> {
        if self.basic_purpose.trim().is_empty() {
            return Err(InvalidPeopleConfig::NoPurpose("customers.basic_purpose"));
        }
        if consents.email_marketing_purpose.trim().is_empty() {
            return Err(InvalidPeopleConfig::NoPurpose("consent.email_marketing_purpose"));
        }
        if self.basic_purpose == consents.email_marketing_purpose {
            return Err(InvalidPeopleConfig::SamePurpose);
        }
        if self.male.is_some() && self.male == self.female {
            return Err(InvalidPeopleConfig::SameSex);
        }
        Ok(())
    }
}
