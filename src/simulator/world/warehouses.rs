//! The warehouses of the account.

use std::sync::RwLock;

use hashbrown::HashMap;

use super::{WorldError, read, written};

/// Warehouse ids are case-sensitive in configuration but not in inventory (VTEX known issue 346163); here they are
/// looked up without regard to case and printed as they were created.
#[derive(Debug, Default)]
pub(crate) struct Warehouses {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    all: Vec<Warehouse>,
    indexes: HashMap<String, u16>,
}

#[derive(Clone, Debug)]
pub(crate) struct Warehouse {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Warehouses {
    pub(super) fn add(&self, id: &str, name: &str) -> Result<u16, WorldError> {
        let mut inner = written(&self.inner);
        if let Some(index) = inner.index(id) {
            name.clone_into(&mut inner.all[usize::from(index)].name);
            return Ok(index);
        }
        let index = u16::try_from(inner.all.len()).map_err(|_| WorldError::TooManyWarehouses)?;
        inner.all.push(Warehouse { id: id.to_owned(), name: name.to_owned() });
        inner.indexes.insert(id.to_ascii_lowercase(), index);
        Ok(index)
    }

    pub(crate) fn index(&self, id: &str) -> Option<u16> {
        read(&self.inner).index(id)
    }

    pub(crate) fn get(&self, index: u16) -> Option<Warehouse> {
        read(&self.inner).all.get(usize::from(index)).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Warehouse> {
        read(&self.inner).all.clone()
    }
}

impl Inner {
    fn index(&self, id: &str) -> Option<u16> {
        // The usual spelling needs no lower-case copy.
        let exact = self.indexes.get(id).copied();
        exact.or_else(|| self.indexes.get(id.to_ascii_lowercase().as_str()).copied())
    }
}
