//! A shop with customers, and everything between it and a simulator.

use std::collections::HashMap;
use std::time::Duration;

use compact_str::CompactString;
use mare::core::dispatch::{Dispatch, Effect, Known, Tuning};
use mare::core::entity::{Entity, Key, RemoteId};
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::time::{Now, Tick, Timestamp};
use mare::core::value::Value;
use mare::mapping::people::{
    self, AddressRow, ConsentConfig, ConsentRow, CustomerRow, CustomersConfig, PersonRows, Told,
};
use mare::simulator::{Credential, Handle, Limits, MasterDataOptions, Options, Simulator, World};
use mare::vtex::{Client, Credentials, VtexSettings};

/// More turns than any of these jobs takes, however often it is disturbed.
const TURNS_MAX: usize = 5_000;

pub(crate) struct Shop {
    pub(crate) vtex: Handle,
    pub(crate) client: Client,
    pub(crate) dispatch: Dispatch,
    pub(crate) confirmed: HashMap<Key, Confirmed>,
    pub(crate) ids: HashMap<Key, RemoteId>,
    /// The newest record of keys that are not at rest.
    pub(crate) amended: HashMap<Key, Dirty>,
    /// What was wanted last, as the ledger knows it.
    wanted: HashMap<Key, Value>,
    now: Now,
    position: u64,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(MasterDataOptions::default()).await
    }

    pub(crate) async fn with(master_data: MasterDataOptions) -> Self {
        Self::with_all(Options { master_data, ..Options::default() }).await
    }

    pub(crate) async fn with_all(options: Options) -> Self {
        let vtex = Simulator::start(Options { limits: Limits::unlimited(), ..options }).await.unwrap();
        let mut settings = VtexSettings::new("simulator");
        settings.catalog_url = Some(vtex.base_url());
        settings.request_timeout_ms = 5_000;
        let Credential { key, token } = Credential::default();
        let client = Client::new(&settings, Credentials::new(key, token)).unwrap();
        let now = Now { tick: Tick::ZERO, wall: Timestamp(1_700_000_000_000_000) };
        Self {
            vtex,
            client,
            dispatch: Dispatch::new(Tuning::default(), now),
            confirmed: HashMap::new(),
            ids: HashMap::new(),
            amended: HashMap::new(),
            wanted: HashMap::new(),
            now,
            position: 0,
        }
    }

    pub(crate) fn world(&self) -> &World {
        self.vtex.world()
    }

    pub(crate) const fn now(&self) -> Now {
        self.now
    }

    /// Maps the rows, and hands over what they mean.
    pub(crate) fn change(&mut self, rows: &PersonRows) {
        let id = &rows.customer.code;
        let last = |entity| self.wanted.get(&Key { entity, id: id.clone() });
        let told = Told {
            customer: match last(Entity::Customer) {
                Some(Value::Customer(customer)) => Some(&**customer),
                _ => None,
            },
            consent: match last(Entity::Consent) {
                Some(Value::Consent(consent)) => Some(&**consent),
                _ => None,
            },
        };
        let mapped = people::person(rows, told, &CustomersConfig::default(), &ConsentConfig::default());
        for (entity, value) in [(Entity::Customer, mapped.customer), (Entity::Consent, mapped.consent)] {
            if let Ok(value) = value {
                self.want(Key { entity, id: id.clone() }, value);
            }
        }
    }

    /// The row of the customer is deleted in Live.
    pub(crate) fn delete(&mut self, code: &str) {
        let taken_back = match self.wanted.get(&key(Entity::Consent, code)) {
            Some(Value::Consent(consent)) if consent.takes_back() => Some(consent.clone()),
            _ => None,
        };
        self.want(key(Entity::Consent, code), Value::Released(taken_back));
        self.want(key(Entity::Customer, code), Value::Released(None));
    }

    fn want(&mut self, key: Key, value: Value) {
        self.wanted.insert(key.clone(), value.clone());
        self.position += 1;
        let position = Position(self.position);
        let wanted = Wanted { value, position, committed_at: self.now.wall, cause: Cause::Change };
        // As the store knows it: a consent is told to the document of its customer.
        let id =
            self.ids.get(&key).or_else(|| self.ids.get(&Key { entity: Entity::Customer, ..key.clone() }));
        let id = id.cloned();
        let known = Known { confirmed: self.confirmed.get(&key).cloned(), id };
        let mut effects = Vec::new();
        self.dispatch.want(&key, wanted, || known, self.now, &mut effects);
        self.persist(effects);
    }

    /// Until nothing is left to do but what is parked.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            if !self.turn().await {
                return;
            }
        }
        panic!("this does not end");
    }

    /// One round of requests, or the wait for the next one; false: at rest.
    pub(crate) async fn turn(&mut self) -> bool {
        let (mut requests, mut effects) = (Vec::new(), Vec::new());
        let next = self.dispatch.poll(self.now, &mut requests, &mut effects);
        self.persist(effects);
        if requests.is_empty() {
            if self.dispatch.is_idle() {
                return false;
            }
            let next = next.expect("what is not at rest has a time to go on");
            self.wait(next.since(self.now.tick)).await;
            return true;
        }
        for request in requests {
            let outcome = self.client.execute(&request.call).await;
            let mut effects = Vec::new();
            self.dispatch.finished(request.id, outcome, self.now, &mut || 0.5, &mut effects);
            self.persist(effects);
        }
        true
    }

    /// The simulator's clock is the real one; of it a little passes.
    async fn wait(&mut self, delay: Duration) {
        self.now = Now { tick: self.now.tick + delay, wall: self.now.wall.plus(delay) };
        if delay >= Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn persist(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Settle { key, confirmed, .. } => {
                    self.amended.remove(&key);
                    self.confirmed.extend(confirmed.map(|confirmed| (key, confirmed)));
                }
                Effect::Advance { key, confirmed } => drop(self.confirmed.insert(key, confirmed)),
                Effect::Unconfirm { key } => drop(self.confirmed.remove(&key)),
                Effect::Amend { key, dirty, .. } => drop(self.amended.insert(key, dirty)),
                Effect::Learned { key, id: Some(id) } => drop(self.ids.insert(key, id)),
                Effect::Learned { key, id: None } => drop(self.ids.remove(&key)),
                Effect::Erase { key } => {
                    let consent = Key { entity: Entity::Consent, id: key.id.clone() };
                    self.ids.remove(&key);
                    self.ids.remove(&consent);
                    self.confirmed.remove(&consent);
                    self.amended.remove(&consent);
                }
                Effect::SkuLearned { .. }
                | Effect::Reopen { .. }
                | Effect::PriceLost { .. }
                | Effect::Confirmed { .. }
                | Effect::Bulk(_) => {}
            }
        }
    }
}

pub(crate) fn key(entity: Entity, code: &str) -> Key {
    Key { entity, id: code.into() }
}

/// A customer who agreed to being registered.
pub(crate) fn person(code: &str, name: &str) -> PersonRows {
    let customer = CustomerRow {
        code: code.into(),
        kind: 1,
        document: Some("529.982.247-25".to_owned()),
        registration: None,
        name: name.to_owned(),
        trade_name: None,
        birth_date: Some("1990-05-17".to_owned()),
        sex: None,
        email: Some(format!("cliente{code}@example.com")),
        cell_phone: Some("(19) 99999-0000".to_owned()),
        phone: None,
        active: true,
        erased: false,
        price_group: None,
    };
    PersonRows { customer, addresses: Vec::new(), consents: vec![said("CADASTRO", 1, 1)] }
}

pub(crate) fn address(id: &str, street: &str) -> AddressRow {
    AddressRow {
        id: id.into(),
        kind: 2,
        receiver: None,
        street: street.to_owned(),
        number: Some("10".to_owned()),
        complement: None,
        neighborhood: Some("Centro".to_owned()),
        city: "Campinas".to_owned(),
        state: "SP".to_owned(),
        postal_code: "13010-000".to_owned(),
        country: "BRA".to_owned(),
        reference: None,
        active: true,
    }
}

/// State 1 accepted, 3 revoked.
pub(crate) fn said(purpose: &str, state: i64, second: i64) -> ConsentRow {
    let at = Some(Timestamp(second * 1_000_000));
    let (accepted, revoked) = if state == 1 { (at, None) } else { (None, at) };
    ConsentRow {
        purpose: CompactString::new(purpose),
        state,
        channel: "PDV".into(),
        accepted,
        revoked,
        letter: "LGPD".into(),
        version: 2,
        text_hash: "ab".into(),
    }
}
