//! From an open socket to a session that takes replication commands.

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;

use super::channel::{Channel, server_error};
use super::command::ServerVersion;
use super::error::WireError;
use crate::live::{self, ConnectError, PostgresSettings};

/// Asked for in the start-up message. Everything below `replication` fixes the text form of values, which
/// otherwise depends on the settings of server, database and role.
const PARAMETERS: [(&str, &str); 7] = [
    ("replication", "database"),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
];

/// Authentication requests (Postgres manual, "Message Formats").
mod request {
    pub(super) const OK: u32 = 0;
    pub(super) const CLEAR_TEXT: u32 = 3;
    pub(super) const MD5: u32 = 5;
    pub(super) const SASL: u32 = 10;
    pub(super) const SASL_CONTINUE: u32 = 11;
    pub(super) const SASL_FINAL: u32 = 12;
}

/// Opens a replication session.
pub(super) async fn log_in(settings: &PostgresSettings) -> Result<(Channel, ServerVersion), ConnectError> {
    let mut login = Login { channel: Channel::new(live::open(settings).await?), settings, version: None };
    login.start_up().await?;
    login.authenticate().await?;
    login.until_ready().await?;
    let version = login.version.ok_or_else(|| login.not_postgres("it does not tell its version"))?;
    Ok((login.channel, version))
}

struct Login<'a> {
    channel: Channel,
    settings: &'a PostgresSettings,
    version: Option<ServerVersion>,
}

impl<'a> Login<'a> {
    async fn start_up(&mut self) -> Result<(), ConnectError> {
        let settings = self.settings;
        let own = [
            ("user", settings.user.as_str()),
            ("database", settings.database.as_str()),
            ("application_name", settings.application_name.as_str()),
        ];
        let parameters = own.into_iter().chain(PARAMETERS);
        let sent = self.channel.send(|out| frontend::startup_message(parameters, out)).await;
        sent.map_err(|error| self.broken(error))
    }

    /// Answers what the server asks until it is content.
    async fn authenticate(&mut self) -> Result<(), ConnectError> {
        loop {
            let (request, data) = self.request().await?;
            match request {
                request::OK => return Ok(()),
                request::CLEAR_TEXT if self.channel.is_encrypted() => {
                    let password = self.password()?;
                    self.send_password(password.as_bytes()).await?;
                }
                request::CLEAR_TEXT => return Err(ConnectError::ClearTextPassword),
                request::MD5 => {
                    let salt = *data.first_chunk().ok_or_else(|| self.not_postgres("md5 without salt"))?;
                    let user = self.settings.user.as_bytes();
                    let hash = md5_hash(user, self.password()?.as_bytes(), salt);
                    self.send_password(hash.as_bytes()).await?;
                }
                request::SASL => self.scram(&data).await?,
                other => return Err(ConnectError::UnsupportedAuthentication(other)),
            }
        }
    }

    /// SCRAM-SHA-256 without channel binding: the certificate is what `tls` and `ca_file` make of it.
    async fn scram(&mut self, mechanisms: &[u8]) -> Result<(), ConnectError> {
        let offered = mechanisms.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes());
        if !offered {
            return Err(ConnectError::UnsupportedAuthentication(request::SASL));
        }
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), ChannelBinding::unsupported());
        let first =
            self.channel.send(|out| frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out));
        first.await.map_err(|error| self.broken(error))?;

        let challenge = self.expect(request::SASL_CONTINUE).await?;
        scram.update(&challenge).map_err(ConnectError::ServerNotAuthentic)?;
        let proof = self.channel.send(|out| frontend::sasl_response(scram.message(), out)).await;
        proof.map_err(|error| self.broken(error))?;

        let signature = self.expect(request::SASL_FINAL).await?;
        scram.finish(&signature).map_err(ConnectError::ServerNotAuthentic)
    }

    async fn send_password(&mut self, password: &[u8]) -> Result<(), ConnectError> {
        let sent = self.channel.send(|out| frontend::password_message(password, out)).await;
        sent.map_err(|error| self.broken(error))
    }

    fn password(&self) -> Result<&'a str, ConnectError> {
        match &self.settings.password {
            Some(password) => Ok(password.expose_secret()),
            None => Err(ConnectError::PasswordMissing { user: self.settings.user.clone() }),
        }
    }

    /// Reads parameters until the server waits for commands.
    async fn until_ready(&mut self) -> Result<(), ConnectError> {
        loop {
            let (tag, body) = self.message().await?;
            match tag {
                b'Z' => return Ok(()),
                b'S' => {
                    let mut texts = body.split(|byte| *byte == 0);
                    if texts.next() == Some(b"server_version") {
                        let text = String::from_utf8_lossy(texts.next().unwrap_or_default());
                        self.version = ServerVersion::parse(&text);
                    }
                }
                b'K' | b'N' => {} // key for cancelling, notice
                _ => return Err(self.not_postgres("unexpected message after login")),
            }
        }
    }

    async fn expect(&mut self, wanted: u32) -> Result<Vec<u8>, ConnectError> {
        match self.request().await? {
            (request, data) if request == wanted => Ok(data),
            _ => Err(self.not_postgres("authentication out of order")),
        }
    }

    /// The next authentication request and its data.
    async fn request(&mut self) -> Result<(u32, Vec<u8>), ConnectError> {
        loop {
            let (tag, body) = self.message().await?;
            match tag {
                b'R' => {
                    let (request, data) =
                        body.split_first_chunk().ok_or_else(|| self.not_postgres("empty request"))?;
                    return Ok((u32::from_be_bytes(*request), data.to_vec()));
                }
                b'N' => {}
                _ => return Err(self.not_postgres("no authentication request")),
            }
        }
    }

    /// The next message, unless it is an error.
    async fn message(&mut self) -> Result<(u8, Vec<u8>), ConnectError> {
        let (tag, range) = self.channel.message().await.map_err(|error| self.broken(error))?;
        let body = self.channel.body(range);
        match tag {
            b'E' => {
                let settings = self.settings;
                Err(ConnectError::from_server(server_error(body), &settings.user, &settings.database))
            }
            _ => Ok((tag, body.to_vec())),
        }
    }

    fn broken(&self, error: WireError) -> ConnectError {
        match error {
            WireError::Connect(error) => error,
            WireError::Broken(error) => ConnectError::Broken(error),
            WireError::Closed => ConnectError::Broken(std::io::ErrorKind::UnexpectedEof.into()),
            other => self.not_postgres(&other.to_string()),
        }
    }

    fn not_postgres(&self, what: &str) -> ConnectError {
        let PostgresSettings { host, port, .. } = self.settings;
        ConnectError::NotPostgres { host: host.clone(), port: *port, what: what.to_owned() }
    }
}
