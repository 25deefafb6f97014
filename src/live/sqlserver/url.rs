//! Settings in one line, for the tools that stand beside the service: `sqlserver://user:password@host:port/database`.

use super::settings::{SqlServerSettings, SqlServerTls, UnknownZone, Zone};

/// Why an address was not understood. Never holds the address: the password is in it.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    #[error("it is no address like sqlserver://user:password@host:port/database")]
    Form,
    #[error("the address names no {0}")]
    Missing(&'static str),
    #[error("'%' in the address stands before two hexadecimal digits; a '%' itself is %25")]
    Percent,
    #[error("tls={0} is not known; write disable, login, require or verify-full")]
    Tls(String),
    #[error(
        "'{0}' is not known; after '?' may stand tls, ca_file, hostname_in_certificate, instance and timezone"
    )]
    Unknown(String),
    #[error(transparent)]
    Zone(#[from] UnknownZone),
}

impl SqlServerSettings {
    /// Reads `sqlserver://user:password@host:port/database?tls=require&timezone=America/Manaus`. What is left out has its
    /// default; characters that mean something in an address are written as `%40`.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        let rest = url.strip_prefix("sqlserver://").ok_or(UrlError::Form)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, place) = rest.rsplit_once('@').ok_or(UrlError::Missing("user"))?;
        let (user, password) = login.split_once(':').ok_or(UrlError::Missing("password"))?;
        let (server, database) = place.split_once('/').ok_or(UrlError::Missing("database"))?;
        let (host, port) = split_port(server)?;
        for (what, part) in [("user", user), ("host", host), ("database", database)] {
            if part.is_empty() {
                return Err(UrlError::Missing(what));
            }
        }
        let mut settings = Self::new(decode(host)?, decode(database)?, decode(user)?);
        settings.port = port;
        settings.password = Some(decode(password)?.into());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decode(value)?;
            match name {
                "tls" => settings.tls = tls(value)?,
                "ca_file" => settings.ca_file = Some(value.into()),
                "hostname_in_certificate" => settings.hostname_in_certificate = Some(value),
                "instance" => settings.instance = Some(value),
                "timezone" => settings.timezone = Zone::named(&value)?,
                other => return Err(UrlError::Unknown(other.to_owned())),
            }
        }
        Ok(settings)
    }
}

fn tls(text: String) -> Result<SqlServerTls, UrlError> {
    let known = [SqlServerTls::Disable, SqlServerTls::Login, SqlServerTls::Require, SqlServerTls::VerifyFull];
    known.into_iter().find(|level| level.to_string() == text).ok_or(UrlError::Tls(text))
}

/// `host`, `host:port`, `[::1]:port`.
fn split_port(server: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(UrlError::Form)?;
            (host, port.strip_prefix(':'))
        }
        None => server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port))),
    };
    Ok((host, port.map(|port| port.parse().map_err(|_| UrlError::Form)).transpose()?))
}

fn decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(UrlError::Percent)?;
        let digits = std::str::from_utf8(digits).map_err(|_| UrlError::Percent)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| UrlError::Percent)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| UrlError::Percent)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn an_address_says_everything_that_is_needed() {
        let settings = SqlServerSettings::from_url(
            "sqlserver://sa:p%40ss:w@db.loja:1434/live?tls=disable&timezone=America/Manaus",
        )
        .unwrap();
        assert_eq!((&*settings.host, settings.port, &*settings.database), ("db.loja", Some(1434), "live"));
        assert_eq!((&*settings.user, settings.tls), ("sa", SqlServerTls::Disable));
        assert_eq!(settings.password.unwrap().expose_secret(), "p@ss:w");
        assert_eq!(settings.timezone, Zone::named("America/Manaus").unwrap());
        let short = SqlServerSettings::from_url("sqlserver://sa:x@[::1]/live").unwrap();
        assert_eq!((&*short.host, short.port, short.tls), ("::1", None, SqlServerTls::Require));
    }

    #[test]
    fn a_wrong_address_is_refused_without_showing_the_password() {
        for (url, said) in [
            ("postgres://sa:s3cret@db/live", "no address"),
            ("sqlserver://db/live", "no user"),
            ("sqlserver://s3cret@db/live", "no password"),
            ("sqlserver://sa:s3cret@db", "no database"),
            ("sqlserver://sa:s3cret@db/", "no database"),
            ("sqlserver://sa:s3cret@db:x/live", "no address"),
            ("sqlserver://sa:s3cret%@db/live", "%25"),
            ("sqlserver://sa:s3cret@db/live?tls=on", "verify-full"),
            ("sqlserver://sa:s3cret@db/live?encrypt=no", "'encrypt'"),
            ("sqlserver://sa:s3cret@db/live?timezone=Brasilia", "time zone"),
        ] {
            let error = SqlServerSettings::from_url(url).unwrap_err();
            assert!(error.to_string().contains(said), "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}");
        }
    }
}
