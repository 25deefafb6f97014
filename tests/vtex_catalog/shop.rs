//! A catalog, and everything between it and a simulator.

use std::collections::HashMap;
use std::time::Duration;

use compact_str::CompactString;
use mare::core::dispatch::{Dispatch, Effect, Explain, Known, Tuning};
use mare::core::entity::{Entity, Key, RemoteId, SkuId};
use mare::core::money::{Decimal4, Money};
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::time::{Now, Tick, Timestamp};
use mare::core::value::Value;
use mare::core::value::catalog::{Brand, Category, Image, Package, Product, Sku, Specification};
use mare::simulator::{Credential, Handle, Limits, Options, ProductView, Simulator, SkuView, World};
use mare::vtex::{Client, Credentials, VtexSettings};

/// More turns than any of these jobs takes, however often it is disturbed.
const TURNS_MAX: usize = 5_000;

pub(crate) const PRODUCT: &str = "1001";
pub(crate) const SKU: &str = "1001-AZ/M";

pub(crate) struct Shop {
    pub(crate) vtex: Handle,
    client: Client,
    dispatch: Dispatch,
    confirmed: HashMap<Key, Confirmed>,
    dirty: HashMap<Key, Dirty>,
    ids: HashMap<Key, RemoteId>,
    skus: HashMap<CompactString, SkuId>,
    now: Now,
    position: u64,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let (vtex, client) = account(options).await;
        let now = Now { tick: Tick::ZERO, wall: Timestamp(1_700_000_000_000_000) };
        Self {
            vtex,
            client,
            dispatch: Dispatch::new(tuning(), now),
            confirmed: HashMap::new(),
            dirty: HashMap::new(),
            ids: HashMap::new(),
            skus: HashMap::new(),
            now,
            position: 0,
        }
    }

    /// The account loses all that it had, and we do not know.
    pub(crate) async fn empty_the_account(&mut self) {
        (self.vtex, self.client) = account(Options::default()).await;
    }

    /// Images are looked at before they are sent.
    pub(crate) fn checking_images(self) -> Self {
        Self { client: self.client.checking_images().unwrap(), ..self }
    }

    /// The time until the next thing is due passes.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = Now { tick: self.now.tick + time, wall: self.now.wall.plus(time) };
        self.world().advance(time);
    }

    /// Until nothing can be done before some time has passed; the requests that it took, and that time.
    pub(crate) async fn until_it_waits(&mut self) -> (Vec<String>, Option<Duration>) {
        let mut lines = Vec::new();
        loop {
            let (mut requests, mut effects) = (Vec::new(), Vec::new());
            let next = self.dispatch.poll(self.now, &mut requests, &mut effects);
            self.persist(effects);
            if requests.is_empty() {
                let wait = next.map(|next| next.since(self.now.tick));
                // A pause between two look-ups is none.
                match wait.filter(|wait| *wait < Duration::from_secs(10)) {
                    Some(wait) => self.pass(wait),
                    None => return (lines, wait),
                }
            }
            for request in requests {
                lines.push(mare::vtex::describe(&request.call));
                let outcome = self.client.execute(&request.call).await;
                let mut effects = Vec::new();
                self.dispatch.finished(request.id, outcome, self.now, &mut || 0.5, &mut effects);
                self.persist(effects);
            }
        }
    }

    /// What the last request of the SKU led to.
    pub(crate) fn explained(&self) -> Option<Explain> {
        self.dispatch.explain(&Key { entity: Entity::Sku, id: SKU.into() }, self.now)
    }

    pub(crate) fn world(&self) -> &World {
        self.vtex.world()
    }

    pub(crate) fn product(&self) -> ProductView {
        let products = self.world().products();
        assert_eq!(products.len(), 1, "{products:#?}");
        products.into_iter().next().unwrap()
    }

    pub(crate) fn sku(&self) -> SkuView {
        self.world().catalog_sku(self.world().sku_id(SKU).expect("the SKU exists")).unwrap()
    }

    pub(crate) fn want(&mut self, entity: Entity, id: &str, value: Value) {
        self.position += 1;
        let position = Position(self.position);
        let key = Key { entity, id: id.into() };
        let wanted = Wanted { value, position, committed_at: self.now.wall, cause: Cause::Change };
        self.dirty.insert(key.clone(), Dirty::fresh(wanted.clone()));
        let known = Known::from(self.confirmed.get(&key).cloned());
        let mut effects = Vec::new();
        self.dispatch.want(&key, wanted, || known, self.now, &mut effects);
        self.persist(effects);
    }

    /// The whole catalog: children first, so that they have to wait.
    pub(crate) fn want_all(&mut self, product: &Product, sku: &Sku) {
        self.want(Entity::Sku, SKU, Value::Sku(Box::new(sku.clone())));
        self.want(Entity::Product, PRODUCT, Value::Product(Box::new(product.clone())));
        let category = |name: &str, parent: Option<&str>| {
            Value::Category(Box::new(Category { name: name.into(), parent: parent.map(Into::into) }))
        };
        self.want(Entity::Category, "F.V", category("Vestidos", Some("F")));
        self.want(Entity::Category, "F", category("Feminino", None));
        self.want(Entity::Brand, "M", Value::Brand(Box::new(Brand { name: "Maré Alta".into() })));
    }

    pub(crate) async fn deliver(&mut self, product: &Product, sku: &Sku) {
        self.want_all(product, sku);
        self.settle().await;
    }

    /// Until nothing is left to do; the requests that it took.
    pub(crate) async fn settle(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..TURNS_MAX {
            let (mut requests, mut effects) = (Vec::new(), Vec::new());
            let next = self.dispatch.poll(self.now, &mut requests, &mut effects);
            self.persist(effects);
            if requests.is_empty() {
                if self.dispatch.is_idle() {
                    return lines;
                }
                let Some(next) = next else { panic!("it waits for ever after {lines:#?}") };
                let delay = next.since(self.now.tick);
                self.now = Now { tick: self.now.tick + delay, wall: self.now.wall.plus(delay) };
                self.world().advance(delay);
            }
            for request in requests {
                lines.push(mare::vtex::describe(&request.call));
                let outcome = self.client.execute(&request.call).await;
                let mut effects = Vec::new();
                self.dispatch.finished(request.id, outcome, self.now, &mut || 0.5, &mut effects);
                self.persist(effects);
            }
        }
        panic!("this does not end: {lines:#?}");
    }

    /// The process ends in the middle of its work after so many requests, and starts again from what is stored.
    pub(crate) async fn restart_after(&mut self, requests: usize) {
        for _ in 0..requests {
            let (mut due, mut effects) = (Vec::new(), Vec::new());
            let next = self.dispatch.poll(self.now, &mut due, &mut effects);
            self.persist(effects);
            if let (true, Some(next)) = (due.is_empty(), next) {
                self.now.tick = next;
            }
            for request in due {
                let outcome = self.client.execute(&request.call).await;
                let mut effects = Vec::new();
                self.dispatch.finished(request.id, outcome, self.now, &mut || 0.5, &mut effects);
                self.persist(effects);
            }
        }
        self.dispatch = Dispatch::new(tuning(), self.now);
        for (reference, id) in &self.skus {
            self.dispatch.know_sku(reference, Some(*id), self.now);
        }
        for (key, id) in &self.ids {
            self.dispatch.know_id(key, id.clone(), self.now);
        }
        let mut effects = Vec::new();
        for (key, dirty) in self.dirty.clone() {
            let known = Known::from(self.confirmed.get(&key).cloned());
            self.dispatch.restore(key, dirty, known, self.now, &mut effects);
        }
        self.persist(effects);
    }

    fn persist(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Settle { key, confirmed, .. } => {
                    self.dirty.remove(&key);
                    self.confirmed.extend(confirmed.map(|confirmed| (key, confirmed)));
                }
                Effect::Advance { key, confirmed } => drop(self.confirmed.insert(key, confirmed)),
                Effect::Unconfirm { key } => drop(self.confirmed.remove(&key)),
                Effect::Amend { key, dirty, .. } => drop(self.dirty.insert(key, dirty)),
                Effect::Learned { key, id: Some(id) } => drop(self.ids.insert(key, id)),
                Effect::Learned { key, id: None } => drop(self.ids.remove(&key)),
                Effect::SkuLearned { sku_ref, id: Some(id) } => drop(self.skus.insert(sku_ref, id)),
                Effect::SkuLearned { sku_ref, id: None } => drop(self.skus.remove(&sku_ref)),
                Effect::Reopen { key } => self.reopen(&key),
                Effect::PriceLost { .. }
                | Effect::Erase { .. }
                | Effect::Confirmed { .. }
                | Effect::Bulk(_) => {}
            }
        }
    }

    fn reopen(&mut self, key: &Key) {
        let Confirmed { value, position, .. } = self.confirmed.remove(key).unwrap();
        let wanted = Wanted { value, position, committed_at: self.now.wall, cause: Cause::Resync };
        self.dirty.insert(key.clone(), Dirty::fresh(wanted.clone()));
        let mut effects = Vec::new();
        self.dispatch.want(key, wanted, Known::default, self.now, &mut effects);
        self.persist(effects);
    }
}

async fn account(options: Options) -> (Handle, Client) {
    let vtex = Simulator::start(Options { limits: Limits::unlimited(), ..options }).await.unwrap();
    let mut settings = VtexSettings::new("simulator");
    settings.catalog_url = Some(vtex.base_url());
    settings.request_timeout_ms = 500;
    let Credential { key, token } = Credential::default();
    let client = Client::new(&settings, Credentials::new(key, token)).unwrap();
    (vtex, client)
}

fn tuning() -> Tuning {
    let mut tuning = Tuning::default();
    tuning.catalog.kit_component_price = Some(Money(100));
    tuning
}

pub(crate) fn specification(name: &str, value: &str) -> Specification {
    Specification { name: name.into(), group: "Ficha".into(), values: vec![value.into()] }
}

pub(crate) fn image(name: &str, url: &str) -> Image {
    Image { name: name.into(), url: format!("https://img.loja/{url}.jpg"), label: Some(name.to_owned()) }
}

pub(crate) fn a_product() -> Product {
    Product {
        name: "Vestido Longo".into(),
        link: "vestido-longo-1001".into(),
        title: Some("Vestido longo de seda".into()),
        short_description: Some("Longo".into()),
        description: Some("<p>Longo</p>".into()),
        keywords: Some("vestido, seda".into()),
        meta_description: Some("Vestido".into()),
        brand: "M".into(),
        category: "F.V".into(),
        shown: true,
        score: Some(7),
        release_date: Some("2024-03-01".into()),
        tax_code: Some("6204.43.00".into()),
        specifications: vec![specification("Tecido", "Seda")],
        trade_policies: Vec::new(),
    }
}

pub(crate) fn a_sku() -> Sku {
    Sku {
        product: PRODUCT.into(),
        name: "Vestido Longo Azul M".into(),
        active: true,
        eans: vec!["7891234567895".into()],
        package: Package {
            height: Decimal4(50_000),
            width: Decimal4(205_000),
            length: Decimal4(300_000),
            grams: 350,
        },
        unit: "un".into(),
        multiplier: Decimal4::ONE,
        specifications: vec![specification("Cor", "Azul"), specification("Tamanho", "M")],
        images: vec![image("frente", "1"), image("costas", "2")],
        components: Vec::new(),
    }
}

/// Whether VTEX holds exactly what is wanted, and once.
pub(crate) fn holds(shop: &Shop, product: &Product, sku: &Sku) {
    let world = shop.world();
    assert_eq!((world.brands().len(), world.categories().len()), (1, 2), "one of each");
    let held = shop.product();
    assert_eq!((held.reference.as_str(), held.link.as_str()), (PRODUCT, "vestido-longo-1001"));
    assert_eq!((&held.name, held.active, held.visible), (&product.name, product.shown, product.shown));
    assert_eq!(Some(&held.title), product.title.as_ref());
    assert_eq!(held.category.path, ["Feminino", "Vestidos"]);
    assert_eq!(held.brand.name, "Maré Alta");
    assert_eq!(held.skus.len(), 1, "exactly one SKU");
    let held = shop.sku();
    assert_eq!(held.name, sku.name);
    assert_eq!((held.active, held.activate_if_possible), (sku.active, sku.active));
    assert_eq!(held.eans, sku.eans);
    let given: Vec<_> =
        held.specifications.iter().map(|one| (one.field.as_str(), one.values.as_slice())).collect();
    let wanted: Vec<_> =
        sku.specifications.iter().map(|one| (one.name.as_str(), one.values.as_slice())).collect();
    assert_eq!(given, wanted);
    let images: Vec<_> = held.images.iter().map(|it| (it.name.as_str(), it.url.as_str(), it.main)).collect();
    let wanted = sku.images.iter().enumerate();
    let wanted: Vec<_> = wanted.map(|(at, it)| (it.name.as_str(), it.url.as_str(), at == 0)).collect();
    assert_eq!(images, wanted);
}
