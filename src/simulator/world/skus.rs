//! Which RefId is which SKU id: what Logistics, Pricing and look-ups need of the catalog.

use std::sync::{Arc, Mutex, RwLock};

use compact_str::CompactString;
use hashbrown::HashMap;

use super::{WorldError, locked, read, written};

/// A VTEX SKU id: 1 to 2147483647.
pub type SkuId = u32;

const SKU_ID_MAX: SkuId = i32::MAX as SkuId;
/// Automatic ids of numeric RefIds begin here, so that no RefId is its own id and a mix-up shows.
const NUMERIC_REFERENCES_FROM: SkuId = 1_000_000_000;

#[derive(Debug)]
pub(crate) struct Skus {
    auto: bool,
    names: RwLock<Names>,
    /// All ids in ascending order, made when a page is asked for and dropped when a SKU is added.
    ascending: Mutex<Option<Arc<Vec<SkuId>>>>,
}

#[derive(Debug, Default)]
struct Names {
    ids: HashMap<CompactString, SkuId>,
    references: HashMap<SkuId, CompactString>,
}

/// Why a new SKU cannot have its id or its RefId.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Id,
    /// The SKU that has it.
    Reference(SkuId),
}

impl Skus {
    pub(super) fn new(auto: bool) -> Self {
        Self { auto, names: RwLock::default(), ascending: Mutex::default() }
    }

    pub(super) fn add<R: AsRef<str>>(
        &self,
        skus: impl IntoIterator<Item = (R, SkuId)>,
    ) -> Result<usize, WorldError> {
        let mut names = written(&self.names);
        *locked(&self.ascending) = None;
        let mut count = 0;
        for (reference, id) in skus {
            names.add(reference.as_ref(), id)?;
            count += 1;
        }
        Ok(count)
    }

    /// Makes a SKU of the catalog known. Without an id it gets the next free one behind `last`; without a RefId
    /// (empty) it is known by its id only.
    pub(crate) fn create(
        &self,
        id: Option<SkuId>,
        reference: &str,
        last: &mut SkuId,
    ) -> Result<SkuId, Taken> {
        let mut names = written(&self.names);
        if id.is_some_and(|id| names.references.contains_key(&id)) {
            return Err(Taken::Id);
        }
        if let Some(holder) = names.ids.get(reference) {
            return Err(Taken::Reference(*holder));
        }
        *locked(&self.ascending) = None;
        let id = id.unwrap_or_else(|| {
            *last = names.free_from(last.saturating_add(1));
            *last
        });
        names.insert(reference, id);
        Ok(id)
    }

    /// Gives a SKU another RefId, or none (empty). An error is the SKU that has it.
    pub(crate) fn rename(&self, id: SkuId, reference: &str) -> Result<(), SkuId> {
        let mut names = written(&self.names);
        match names.ids.get(reference) {
            Some(holder) if *holder != id => return Err(*holder),
            Some(_) => return Ok(()),
            None => {}
        }
        *locked(&self.ascending) = None;
        if let Some(former) = names.references.remove(&id) {
            names.ids.remove(&former);
        }
        names.insert(reference, id);
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        read(&self.names).references.len()
    }

    /// The id of a RefId; with automatic SKUs every RefId but the empty one has an id.
    pub(crate) fn id(&self, reference: &str) -> Option<SkuId> {
        let known = read(&self.names).ids.get(reference).copied();
        if known.is_some() || !self.auto || reference.is_empty() {
            return known;
        }
        let mut names = written(&self.names);
        *locked(&self.ascending) = None;
        Some(names.derive(reference))
    }

    /// The RefId of an id; empty for an automatic SKU whose RefId was never asked for.
    pub(crate) fn reference(&self, id: SkuId) -> Option<CompactString> {
        let known = read(&self.names).references.get(&id).cloned();
        known.or_else(|| self.auto.then(CompactString::default))
    }

    /// With automatic SKUs every id exists: a client may know it from before a restart.
    pub(crate) fn exists(&self, id: SkuId) -> bool {
        self.auto || read(&self.names).references.contains_key(&id)
    }

    /// Page `page` (from 1) of all ids in ascending order.
    pub(crate) fn page(&self, page: usize, size: usize) -> Vec<SkuId> {
        let ascending = self.ascending();
        let from = page.saturating_sub(1).saturating_mul(size).min(ascending.len());
        ascending[from..ascending.len().min(from.saturating_add(size))].to_vec()
    }

    fn ascending(&self) -> Arc<Vec<SkuId>> {
        let names = read(&self.names);
        let mut cached = locked(&self.ascending);
        let made = cached.take().unwrap_or_else(|| {
            let mut ids: Vec<SkuId> = names.references.keys().copied().collect();
            ids.sort_unstable();
            Arc::new(ids)
        });
        *cached = Some(Arc::clone(&made));
        made
    }
}

impl Names {
    fn add(&mut self, reference: &str, id: SkuId) -> Result<(), WorldError> {
        if id == 0 || id > SKU_ID_MAX {
            return Err(WorldError::SkuIdOutOfRange(id.into()));
        }
        let other_id = self.ids.get(reference).is_some_and(|known| *known != id);
        let other_reference = self.references.get(&id).is_some_and(|known| known != reference);
        if other_id || other_reference {
            return Err(WorldError::SkuTaken { id, reference: reference.to_owned() });
        }
        self.insert(reference, id);
        Ok(())
    }

    /// Gives an automatic id. A numeric RefId below a thousand million without leading zeros always has the same;
    /// of the others, two may want the same id, and then the later one gets the next free.
    fn derive(&mut self, reference: &str) -> SkuId {
        if let Some(known) = self.ids.get(reference) {
            return *known;
        }
        let id = self.free_from(wanted_id(reference));
        self.insert(reference, id);
        id
    }

    /// The first free id from this one on.
    fn free_from(&self, id: SkuId) -> SkuId {
        let mut id = id.clamp(1, SKU_ID_MAX);
        while self.references.contains_key(&id) {
            id = if id == SKU_ID_MAX { 1 } else { id + 1 };
        }
        id
    }

    fn insert(&mut self, reference: &str, id: SkuId) {
        if !reference.is_empty() {
            self.ids.insert(reference.into(), id);
        }
        self.references.insert(id, reference.into());
    }
}

fn wanted_id(reference: &str) -> SkuId {
    let digits = reference.bytes().all(|byte| byte.is_ascii_digit()) && !reference.starts_with('0');
    let number = reference.parse::<SkuId>().ok().filter(|number| digits && *number < NUMERIC_REFERENCES_FROM);
    if let Some(number) = number {
        return NUMERIC_REFERENCES_FROM + number;
    }
    // FNV-1a: equal on every machine and in every version.
    let hash = reference.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let range = u64::from(NUMERIC_REFERENCES_FROM) - 1;
    SkuId::try_from(hash % range).map_or(1, |id| id + 1)
}
