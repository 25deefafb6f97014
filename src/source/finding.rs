//! What `mare check` found out about Live, with what to do about it.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Ok,
    Warning,
    /// `run` would not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub subject: String,
    pub severity: Severity,
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    pub fn ok(subject: &str, message: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), severity: Severity::Ok, message: message.into(), remedy: None }
    }

    pub fn warning(subject: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { severity: Severity::Warning, remedy, ..Self::ok(subject, message) }
    }

    pub fn error(subject: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Error, ..Self::warning(subject, message, remedy) }
    }
}

/// The first of a long list.
pub(crate) fn few(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (1..8).map(|n| n.to_string()).collect();
        assert_eq!(few(&names), "1, 2, 3, 4, 5 and 2 more");
        assert_eq!(few(&names[..2]), "1, 2");
    }
}
