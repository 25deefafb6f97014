//! `[mapping.customers]` and `[mapping.consent]`.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::Deserialize;

/// What becomes of a customer whose row was deleted in Live, which is not the same as anonymised: a clean-up of
/// duplicates deletes too, and the account in the shop is the shopper's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    /// VTEX keeps what it has, with the consents as they stood; we keep nothing of the customer and send nothing more.
    #[default]
    Keep,
    /// As if anonymised: VTEX is told to erase the customer.
    Erase,
}

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
    /// `keep` (default) or `erase`.
    pub on_delete: OnDelete,
    /// The field of `CL` that gets the customer's code of Live, like `codigoErp`; it must have been made in VTEX's
    /// Admin. None: the code is not sent.
    pub code_field: Option<CompactString>,
    /// From what the column `price_group` holds to the price tables of VTEX that the customer buys by (`priceTables`
    /// of `CL`), like `"2" = ["revenda"]`. A group that is not listed has none. Default: empty, nothing is sent.
    pub price_tables: BTreeMap<String, Vec<CompactString>>,
}

impl Default for CustomersConfig {
    fn default() -> Self {
        let basic_purpose = CompactString::const_new("CADASTRO");
        Self {
            require_basic_consent: true,
            basic_purpose,
            male: None,
            female: None,
            on_delete: OnDelete::Keep,
            code_field: None,
            price_tables: BTreeMap::new(),
        }
    }
}

/// VTEX: "up to 5 price tables and 50 characters" for a customer (Price tables, field `priceTables`).
const PRICE_TABLES_MAX: usize = 5;
const PRICE_TABLES_CHARS_MAX: usize = 50;
pub(super) const PRICE_TABLES_FIELD: &str = "priceTables";

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
    #[error(
        "mapping.customers.code_field = \"{0}\": give the name of a field that was made for it in VTEX's Admin, of \
         letters, digits and _, like codigoErp"
    )]
    BadField(CompactString),
    #[error(
        "mapping.customers.price_tables.\"{0}\": give one to 5 names of letters, digits, - and _, of 50 characters \
         together with the commas between them (VTEX takes no more)"
    )]
    BadPriceTables(String),
}

/// Whether a field of `CL` has something else of the customer already.
fn is_ours(field: &str) -> bool {
    const FIELDS: [&str; 20] = [
        "id",
        "userId",
        "email",
        "firstName",
        "lastName",
        "document",
        "documentType",
        "birthDate",
        "gender",
        "isCorporate",
        "corporateName",
        "tradeName",
        "corporateDocument",
        "stateRegistration",
        "phone",
        "homePhone",
        "cellPhone",
        "isNewsletterOptIn",
        "localeDefault",
        PRICE_TABLES_FIELD,
    ];
    FIELDS.iter().any(|known| known.eq_ignore_ascii_case(field))
}

/// Whether VTEX takes a name as one of a list that commas separate.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
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
        if let Some(field) = self.code_field.as_ref().filter(|field| !is_name(field) || is_ours(field)) {
            return Err(InvalidPeopleConfig::BadField(field.clone()));
        }
        for (group, tables) in &self.price_tables {
            let fits = (1..=PRICE_TABLES_MAX).contains(&tables.len())
                && tables.iter().all(|table| is_name(table))
                && tables.join(",").len() <= PRICE_TABLES_CHARS_MAX;
            if !fits {
                return Err(InvalidPeopleConfig::BadPriceTables(group.clone()));
            }
        }
        Ok(())
    }

    /// Whether the column `price_group` of customers is read.
    pub fn has_price_groups(&self) -> bool {
        !self.price_tables.is_empty()
    }
}
