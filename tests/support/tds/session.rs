//! One connection: login, then requests until it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::bytes::Reader;
use super::engine::{Stop, Tx};
use super::fault::Fault;
use super::link::{ATTENTION, BATCH, LOGIN, Link, Message, PRELOGIN, RESULT, RPC, TRANSACTION};
use super::login::{self, Agreed, Login};
use super::reply::{Failure, Reply, Scope, Tokens};
use super::value::{Value, read_parameter, text_of};
use super::{Shared, Statement};

/// What a handler may know of who asks.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: u64,
    pub login: Login,
    /// The transaction of the statement: the client's, or one that lasts as long as the statement.
    pub tx: Tx,
    /// The text of the statement: what its tag does not say (which table).
    pub sql: String,
    /// The client has begun a transaction.
    pub in_transaction: bool,
    /// Whether the whole connection is encrypted.
    pub encrypted: bool,
    /// `SET LOCK_TIMEOUT`; none: for ever.
    pub lock_timeout: Option<Duration>,
    pub xact_abort: bool,
    pub low_priority: bool,
}

struct Connection {
    link: Link,
    shared: Arc<Shared>,
    session: Session,
    /// The transaction of a statement that runs outside of one.
    own: Option<Tx>,
}

/// Serves a connection to its end.
pub async fn serve(
    mut link: Link,
    shared: Arc<Shared>,
    id: u64,
    mut closed: watch::Receiver<u64>,
) -> io::Result<()> {
    let Some(login) = log_in(&mut link, &shared).await? else { return Ok(()) };
    let encrypted = link.is_encrypted();
    let session = Session {
        id,
        login,
        tx: Tx(0),
        sql: String::new(),
        in_transaction: false,
        encrypted,
        lock_timeout: None,
        xact_abort: false,
        low_priority: false,
    };
    let mut connection = Connection { link, shared, session, own: None };
    let ended = tokio::select! {
        ended = connection.requests() => ended,
        _ = closed.changed() => Ok(()),
    };
    let Connection { shared, session, own, .. } = connection;
    shared.with(|engine| {
        for tx in own.into_iter().chain([session.tx]) {
            engine.rollback(tx);
        }
        engine.release_app_locks(session.id);
    });
    ended
}

/// None when the client was sent away.
async fn log_in(link: &mut Link, shared: &Shared) -> io::Result<Option<Login>> {
    let Some(prelogin) = link.read().await? else { return Ok(None) };
    if prelogin.packet_type != PRELOGIN {
        return Ok(None);
    }
    let wanted = login::wanted(&prelogin.content).unwrap_or(2);
    let (agreed, byte) = login::agree(shared.options.encryption, wanted);
    link.send(RESULT, &login::answer(byte)).await?;
    if login::is_refused(shared.options.encryption, wanted)
        || (agreed != Agreed::Nothing && shared.options.refuses_tls)
    {
        return Ok(None);
    }
    if agreed != Agreed::Nothing {
        let Some(tls) = &shared.tls else { return Ok(None) };
        link.encrypt(rustls::ServerConnection::new(Arc::clone(tls)).unwrap()).await?;
    }
    let Some(message) = link.read().await? else { return Ok(None) };
    if agreed == Agreed::LoginOnly {
        link.decrypt();
    }
    let login = (message.packet_type == LOGIN).then(|| login::read_login(&message.content)).flatten();
    let Some(login) = login else { return Ok(None) };
    let mut tokens = Tokens::default();
    let failure = shared.refuses(&login);
    match &failure {
        Some(failure) => tokens.failure(failure, Scope::Batch),
        None => tokens.login(&login.database, super::link::PACKET_BYTES),
    }
    link.send(RESULT, &tokens.bytes).await?;
    Ok(failure.is_none().then_some(login))
}

impl Connection {
    async fn requests(&mut self) -> io::Result<()> {
        while let Some(message) = self.link.read().await? {
            let mut tokens = Tokens::default();
            match message.packet_type {
                BATCH => match read_batch(&message) {
                    Some((descriptor, statement)) => {
                        if !self.run(descriptor, statement, Scope::Batch, tokens).await? {
                            return Ok(());
                        }
                        continue;
                    }
                    None => return Ok(()),
                },
                RPC => match read_rpc(&message) {
                    Some((descriptor, statement)) => {
                        if !self.run(descriptor, statement, Scope::Procedure, tokens).await? {
                            return Ok(());
                        }
                        continue;
                    }
                    None => return Ok(()),
                },
                TRANSACTION => self.transaction(&message, &mut tokens),
                ATTENTION => tokens.attention_done(),
                _ => return Ok(()),
            }
            self.link.send(RESULT, &tokens.bytes).await?;
        }
        Ok(())
    }

    /// A transaction manager request.
    fn transaction(&mut self, message: &Message, tokens: &mut Tokens) {
        let Some((_, content)) = split_headers(&message.content) else { return };
        match Reader::new(content).u16() {
            Some(5) if !self.session.in_transaction => {
                self.session.tx = self.shared.with(super::Engine::begin);
                self.session.in_transaction = true;
                if self.session.low_priority {
                    self.shared.with(|engine| engine.set_low_priority(self.session.tx));
                }
                tokens.environment(8, &self.session.tx.0.to_le_bytes(), &[]);
                tokens.plain_done();
            }
            Some(kind @ (7 | 8)) if self.session.in_transaction => {
                let tx = self.session.tx;
                self.shared.with(|engine| if kind == 7 { engine.commit(tx) } else { engine.rollback(tx) });
                self.leave_transaction(kind == 7, tokens);
                tokens.plain_done();
            }
            Some(7) => {
                tokens.failure(&Failure::new(3902, 16, "COMMIT has no corresponding BEGIN."), Scope::Batch)
            }
            Some(8) => {
                tokens.failure(&Failure::new(3903, 16, "ROLLBACK has no corresponding BEGIN."), Scope::Batch)
            }
            _ => tokens.failure(&Failure::new(3935, 16, "This request is not known."), Scope::Batch),
        }
    }

    fn leave_transaction(&mut self, committed: bool, tokens: &mut Tokens) {
        tokens.environment(if committed { 9 } else { 10 }, &[], &self.session.tx.0.to_le_bytes());
        self.session.in_transaction = false;
        self.session.tx = Tx(0);
    }

    /// Runs a statement and answers; false when the connection is to be closed.
    async fn run(
        &mut self,
        descriptor: u64,
        statement: Statement,
        scope: Scope,
        mut tokens: Tokens,
    ) -> io::Result<bool> {
        let fault = self.shared.note(&statement);
        if let Some(Fault::Delay(delay)) = &fault {
            // A client that goes away ends the wait.
            tokio::select! {
                () = tokio::time::sleep(*delay) => {}
                () = self.link.disturbed() => {
                    return self.cancelled(&mut tokens).await;
                }
            }
        }
        let outcome = match &fault {
            Some(Fault::Fail(failure)) => Some(Err(failure.clone())),
            _ if descriptor != self.session.tx.0 => {
                let text = "The request has a transaction descriptor that is not of this session.";
                Some(Err(Failure::new(3971, 16, text)))
            }
            _ => self.execute(&statement).await,
        };
        let Some(outcome) = outcome else { return self.cancelled(&mut tokens).await };
        match (outcome, &fault) {
            (Ok(reply), Some(Fault::FailAfterRows(rows, failure))) => {
                tokens.broken_result(&reply.results[0], *rows, failure, scope);
            }
            (Ok(reply), _) => tokens.reply(&reply, scope),
            (Err(failure), _) => {
                if self.session.in_transaction && (self.session.xact_abort || failure.number == 1205) {
                    self.shared.with(|engine| engine.rollback(self.session.tx));
                    // The server says first what was wrong, then that the transaction is gone.
                    let mut ended = Tokens::default();
                    self.leave_transaction(false, &mut ended);
                    tokens.failure_with(&failure, &ended, scope);
                } else {
                    tokens.failure(&failure, scope);
                }
            }
        }
        self.answer(&tokens, fault).await
    }

    async fn answer(&mut self, tokens: &Tokens, fault: Option<Fault>) -> io::Result<bool> {
        let packets = Link::packets(RESULT, &tokens.bytes);
        match fault {
            Some(Fault::CutAt(bytes)) => {
                self.link.write(&packets[..bytes.min(packets.len())]).await?;
                Ok(false)
            }
            Some(Fault::StallAt(bytes)) => {
                self.link.write(&packets[..bytes.min(packets.len())]).await?;
                self.link.disturbed().await;
                Ok(false)
            }
            Some(Fault::Pieces(length)) => {
                for piece in packets.chunks(length) {
                    self.link.write(piece).await?;
                    tokio::task::yield_now().await;
                }
                Ok(true)
            }
            _ => self.link.write(&packets).await.map(|()| true),
        }
    }

    /// The client sent an attention, or went away.
    async fn cancelled(&mut self, tokens: &mut Tokens) -> io::Result<bool> {
        match self.link.read().await? {
            Some(message) if message.packet_type == ATTENTION => {
                tokens.attention_done();
                self.link.send(RESULT, &tokens.bytes).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Runs the handler, again after each wait; none when the client gave up.
    async fn execute(&mut self, statement: &Statement) -> Option<Result<Reply, Failure>> {
        self.settings(&statement.sql);
        let Some(handler) = self.shared.with(|engine| engine.handler(&statement.tag)) else {
            return Some(if is_setting(&statement.sql) {
                Ok(Reply::default())
            } else {
                Err(Failure::new(2812, 16, format!("There is no handler for '{}'.", statement.tag)))
            });
        };
        let own = (!self.session.in_transaction).then(|| self.shared.with(super::Engine::begin));
        self.own = own;
        let tx = own.unwrap_or(self.session.tx);
        let session = Session { tx, sql: statement.sql.clone(), ..self.session.clone() };
        if session.low_priority {
            self.shared.with(|engine| engine.set_low_priority(session.tx));
        }
        let outcome = self.until_done(&session, &handler, &statement.params).await;
        if let Some(own) = own {
            let done = matches!(outcome, Some(Ok(_)));
            self.shared.with(|engine| if done { engine.commit(own) } else { engine.rollback(own) });
        }
        outcome
    }

    async fn until_done(
        &mut self,
        session: &Session,
        handler: &super::engine::Handler,
        params: &[Value],
    ) -> Option<Result<Reply, Failure>> {
        let deadline = session.lock_timeout.map(|limit| tokio::time::Instant::now() + limit);
        loop {
            let mut changes = self.shared.changes.subscribe();
            changes.mark_unchanged();
            let stop = {
                let mut engine = self.shared.engine.lock().unwrap();
                engine.set_waits_for(session.tx, None);
                if engine.is_victim(session.tx) {
                    return Some(Err(Failure::deadlock()));
                }
                let savepoint = engine.savepoint(session.tx);
                match handler(&mut engine, session, params) {
                    Ok(reply) => return Some(Ok(reply)),
                    Err(stop) => {
                        engine.rollback_to(session.tx, savepoint);
                        stop
                    }
                }
            };
            let holder = match stop {
                Stop::Failed(failure) => return Some(Err(failure)),
                Stop::Blocked(holder) => holder,
            };
            if self.shared.with_quietly(|engine| engine.wait_for(session.tx, holder)) {
                self.shared.changes.send_modify(|count| *count += 1);
            }
            let timed_out = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changes.changed() => {}
                () = timed_out => return Some(Err(Failure::lock_timeout())),
                () = self.link.disturbed() => return None,
            }
        }
    }

    /// The settings that change how the engine behaves.
    fn settings(&mut self, sql: &str) {
        let session = &mut self.session;
        session.xact_abort |= sql.contains("XACT_ABORT ON");
        session.low_priority |= sql.contains("DEADLOCK_PRIORITY LOW");
        if let Some((_, rest)) = sql.split_once("SET LOCK_TIMEOUT ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            session.lock_timeout = digits.parse().ok().map(Duration::from_millis);
        }
    }
}

/// A statement that only sets something needs no handler.
fn is_setting(sql: &str) -> bool {
    let text = sql.split_once("*/").map_or(sql, |(_, rest)| rest).trim_start();
    let word = text.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or("");
    ["set", "use", ""].contains(&word.to_ascii_lowercase().as_str())
}

/// The transaction descriptor of ALL_HEADERS, and what follows them.
fn split_headers(content: &[u8]) -> Option<(u64, &[u8])> {
    let length = Reader::new(content).u32()? as usize;
    let rest = content.get(length..)?;
    let mut headers = Reader::new(content.get(4..length)?);
    let mut descriptor = 0;
    while !headers.is_empty() {
        let header_length = headers.u32()? as usize;
        let mut header = Reader::new(headers.take(header_length.checked_sub(4)?)?);
        if header.u16()? == 2 {
            descriptor = header.u64()?;
        }
    }
    Some((descriptor, rest))
}

fn read_batch(message: &Message) -> Option<(u64, Statement)> {
    let (descriptor, text) = split_headers(&message.content)?;
    Some((descriptor, Statement::new(text_of(text), Vec::new())))
}

/// A call of `sp_executesql`, by number or by name.
fn read_rpc(message: &Message) -> Option<(u64, Statement)> {
    let (descriptor, content) = split_headers(&message.content)?;
    let mut reader = Reader::new(content);
    let name_length = reader.u16()?;
    if name_length == u16::MAX {
        assert_eq!(reader.u16()?, 10, "only sp_executesql is known here");
    } else {
        let name = text_of(reader.take(usize::from(name_length) * 2)?);
        assert_eq!(name.to_ascii_lowercase(), "sp_executesql", "only sp_executesql is known here");
    }
    reader.u16()?;
    let mut values = Vec::new();
    while !reader.is_empty() {
        let name_length = reader.u8()?;
        reader.take(usize::from(name_length) * 2)?;
        reader.u8()?;
        values.push(read_parameter(&mut reader)?);
    }
    // The statement, the declaration of its parameters, the parameters.
    let params = values.split_off(values.len().min(2));
    Some((descriptor, Statement::new(values.first()?.as_text().to_owned(), params)))
}
