//! Which act counts: the newest one for each purpose, by the dates of the acts and never by their arrival.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use compact_str::CompactString;

use super::PeopleReason;
use super::rows::ConsentRow;
use crate::core::time::Timestamp;
use crate::core::value::person::{Act, ConsentState};

/// What a row says.
struct Said<'a> {
    /// None: a state that we do not know, so no agreement.
    state: Option<ConsentState>,
    /// None: later than anything that has a date, since nobody can show that it was earlier.
    at: Option<Timestamp>,
    row: &'a ConsentRow,
}

/// The act that counts for each purpose, sorted by purpose. A purpose of whose newest act the state is not known is
/// left out.
pub(super) fn newest(rows: &[ConsentRow], left_out: &mut Vec<PeopleReason>) -> Vec<Act> {
    let mut newest: BTreeMap<CompactString, Said<'_>> = BTreeMap::new();
    for row in rows {
        let purpose = CompactString::new(row.purpose.trim());
        match said(row, left_out) {
            Some(said) if newest.get(&purpose).is_none_or(|other| other.order(&said) == Ordering::Less) => {
                newest.insert(purpose, said);
            }
            _ => {}
        }
    }
    newest.into_iter().filter_map(|(purpose, said)| said.act(purpose)).collect()
}

/// What counts for somebody of whom VTEX was told `before`. Rows of Live can be deleted and changed: nothing that was
/// taken back comes again by an agreement that is not newer, and an agreement that Live has no record of any more is
/// taken back, since nobody can show it.
pub(super) fn following(mut acts: Vec<Act>, before: &[Act], left_out: &mut Vec<PeopleReason>) -> Vec<Act> {
    for told in before {
        match acts.iter_mut().find(|act| act.purpose == told.purpose) {
            Some(act) if is_outdated(act, told) => {
                left_out.push(PeopleReason::OutdatedAgreement);
                *act = told.clone();
            }
            Some(_) => {}
            None if told.takes_back() => acts.push(told.clone()),
            None => {
                left_out.push(PeopleReason::DeletedAgreement);
                acts.push(Act { state: ConsentState::Deleted, at: None, ..told.clone() });
            }
        }
    }
    acts.sort_by(|one, other| one.purpose.cmp(&other.purpose));
    acts
}

/// What somebody said to take back has a date. Without one it does not stand against a row that says otherwise now.
fn is_outdated(act: &Act, told: &Act) -> bool {
    let said = matches!(told.state, ConsentState::Refused | ConsentState::Revoked);
    act.state == ConsentState::Accepted && said && told.at.is_some() && act.at <= told.at
}

fn said<'a>(row: &'a ConsentRow, left_out: &mut Vec<PeopleReason>) -> Option<Said<'a>> {
    let last = row.accepted.max(row.revoked);
    let state = match row.state {
        // Taken back, whatever the state still says.
        1 if row.revoked.is_some() && row.revoked >= row.accepted => Some(ConsentState::Revoked),
        1 => Some(ConsentState::Accepted),
        2 => Some(ConsentState::Refused),
        3 => Some(ConsentState::Revoked),
        4 => Some(ConsentState::Expired),
        _ => None,
    };
    match (state, last) {
        (Some(ConsentState::Accepted), None) => {
            left_out.push(PeopleReason::UndatedAgreement);
            return None;
        }
        (None, _) => left_out.push(PeopleReason::UnknownConsentState),
        (_, None) => left_out.push(PeopleReason::UndatedRefusal),
        _ => {}
    }
    Some(Said { state, at: last, row })
}

impl Said<'_> {
    /// Which of two counts: the later one; of two at the same moment the one that agrees to less. The rest only makes
    /// the choice the same in any order of the rows.
    fn order(&self, other: &Self) -> Ordering {
        let moment = |said: &Self| (said.at.is_none(), said.at, said.reserve());
        let rest = |said: &Self| {
            let row = said.row;
            (row.version, row.letter.clone(), row.channel.clone(), row.text_hash.clone(), row.state)
        };
        moment(self).cmp(&moment(other)).then_with(|| rest(self).cmp(&rest(other)))
    }

    const fn reserve(&self) -> u8 {
        match self.state {
            Some(ConsentState::Accepted) => 0,
            Some(ConsentState::Expired) => 1,
            None => 2,
            Some(ConsentState::Refused) => 3,
            Some(ConsentState::Revoked | ConsentState::Deleted) => 4,
        }
    }

    fn act(self, purpose: CompactString) -> Option<Act> {
        let Self { state, at, row } = self;
        Some(Act {
            purpose,
            state: state?,
            at,
            channel: CompactString::new(row.channel.trim()),
            letter: CompactString::new(row.letter.trim()),
            version: row.version,
            text_hash: CompactString::new(row.text_hash.trim()),
        })
    }
}
