//! Scrolls: a search whose result is fixed at the first call and handed out page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use super::query::Hit;

/// VTEX refuses an eleventh scroll that is open at the same time.
pub(super) const OPEN_MAX: usize = 10;
/// A token that is not used for so long is forgotten.
const EXPIRES: Duration = Duration::from_secs(20 * 60);

#[derive(Debug, Default)]
pub(super) struct Scrolls {
    open: BTreeMap<String, Scroll>,
}

#[derive(Debug)]
struct Scroll {
    entity: String,
    /// What is left, in the order of the pages.
    hits: std::vec::IntoIter<Hit>,
    page: usize,
    total: usize,
    /// `_fields` of the first call.
    fields: Option<String>,
    used: Duration,
}

/// One page of a scroll.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) token: String,
    pub(crate) hits: Vec<Hit>,
    pub(crate) total: usize,
    pub(crate) fields: Option<String>,
}

impl Scrolls {
    /// `None` when too many are open.
    pub(super) fn open(
        &mut self,
        token: String,
        entity: &str,
        hits: Vec<Hit>,
        page: usize,
        fields: Option<String>,
        now: Duration,
    ) -> Option<Page> {
        if self.open.len() >= OPEN_MAX {
            return None;
        }
        let total = hits.len();
        let entity = entity.to_owned();
        let scroll = Scroll { entity, hits: hits.into_iter(), page, total, fields, used: now };
        self.open.insert(token.clone(), scroll);
        self.next(&token, self.open[&token].entity.clone().as_str(), now)
    }

    /// The next page; `None` for a token that is not known (any more). The empty page ends the scroll.
    pub(super) fn next(&mut self, token: &str, entity: &str, now: Duration) -> Option<Page> {
        let scroll = self.open.get_mut(token).filter(|scroll| scroll.entity == entity)?;
        scroll.used = now;
        let page = Page {
            token: token.to_owned(),
            hits: scroll.hits.by_ref().take(scroll.page).collect(),
            total: scroll.total,
            fields: scroll.fields.clone(),
        };
        if page.hits.is_empty() {
            self.open.remove(token);
        }
        Some(page)
    }

    pub(super) fn expire(&mut self, now: Duration) {
        self.open.retain(|_, scroll| now.saturating_sub(scroll.used) < EXPIRES);
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}
