//! The ledger on disk.

#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use mare::core::entity::Key;
use mare::core::position::Position;
use mare::core::record::{Cause, Confirmed, Dirty, Wanted};
use mare::core::time::Timestamp;
use mare::core::value::{Stock, Value};
use mare::pipeline::{Outcomes, Writer};
use mare::source::window::{Batch, Handover, Work};
use mare::store::{Durability, Op, Options, Store, StoreError};
use tokio_util::sync::CancellationToken;

fn open(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap()
}

fn key() -> Key {
    Key::stock("w", "S1")
}

fn wanted(position: u64, quantity: u32) -> Wanted {
    Wanted {
        value: Value::Stock(Stock::of(quantity)),
        position: Position(position),
        committed_at: Timestamp(0),
        cause: Cause::Change,
    }
}

fn want(position: u64, quantity: u32) -> Op {
    Op::Want { key: key(), dirty: Dirty::fresh(wanted(position, quantity)) }
}

fn settle(position: u64, quantity: u32) -> Op {
    let value = Value::Stock(Stock::of(quantity));
    let confirmed = Confirmed { value, position: Position(position), at: Timestamp(0) };
    Op::Settle { key: key(), position: Position(position), confirmed: Some(confirmed) }
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let note = Op::PutMeta { name: "progress".to_owned(), value: Store::encode(&7_u64) };
    store.commit(&[want(5, 3), note], Durability::Synced).unwrap();
    store.spill(vec![(key(), wanted(9, 9))]).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.dirty(&key()).unwrap().unwrap().wanted, wanted(5, 3));
    assert_eq!(store.meta::<u64>("progress").unwrap(), Some(7));
    assert_eq!(store.spilled(None, 10).unwrap(), [], "the transaction was not finished: it comes again");
}

#[test]
fn an_old_outcome_does_not_remove_a_newer_value() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(&[want(5, 3)], Durability::Synced).unwrap();
    // The newer value was committed while the older one was on its way.
    store.commit(&[want(6, 4)], Durability::Synced).unwrap();
    let late = Dirty { attempts: 9, ..Dirty::fresh(wanted(5, 3)) };
    let amend = Op::Amend { key: key(), position: Position(5), dirty: late };
    store.commit(&[amend, settle(5, 3)], Durability::Buffered).unwrap();
    assert_eq!(store.dirty(&key()).unwrap().unwrap().wanted, wanted(6, 4));
    assert_eq!(store.confirmed(&key()).unwrap().unwrap().position, Position(5));
    store.commit(&[settle(6, 4)], Durability::Buffered).unwrap();
    assert_eq!(store.dirty(&key()).unwrap(), None);
    // In one commit, too.
    store.commit(&[want(7, 1), settle(6, 4)], Durability::Buffered).unwrap();
    assert_eq!(store.dirty(&key()).unwrap().unwrap().wanted, wanted(7, 1));
}

#[test]
fn a_doubt_is_the_keys_and_a_newer_value_takes_it_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.commit(&[want(6, 4)], Durability::Synced).unwrap();
    let doubtful = Dirty { doubtful: true, ..Dirty::fresh(wanted(5, 3)) };
    let amend = |dirty| Op::Amend { key: key(), position: Position(5), dirty };
    store.commit(&[amend(doubtful)], Durability::Buffered).unwrap();
    let held = store.dirty(&key()).unwrap().unwrap();
    assert_eq!((held.wanted, held.doubtful), (wanted(6, 4), true));
    store.commit(&[amend(Dirty::fresh(wanted(5, 3)))], Durability::Buffered).unwrap();
    assert!(store.dirty(&key()).unwrap().unwrap().doubtful, "an older record does not take it back");
    // A value of the same commit is not lost over it.
    let doubtful = Dirty { doubtful: true, ..Dirty::fresh(wanted(5, 3)) };
    store.commit(&[want(9, 1), amend(doubtful)], Durability::Buffered).unwrap();
    assert_eq!(store.dirty(&key()).unwrap().unwrap().wanted, wanted(9, 1));
}

/// What a write of a batch by the ledger's writer leaves, after some outcomes.
async fn written(store: &Store, replayed_to: u64, outcomes: Vec<Op>, batch: Wanted) -> Dirty {
    let (to_writer, changes) = tokio::sync::mpsc::channel(1);
    let (told, outcomes_rx) = tokio::sync::mpsc::channel(1);
    let (durable, _keys) = tokio::sync::mpsc::channel(4);
    let writer = Writer {
        store: store.clone(),
        changes,
        outcomes: outcomes_rx,
        written: Arc::default(),
        durable,
        messages: None,
        broken: CancellationToken::new(),
        watch: Arc::default(),
        doubtful: HashSet::new(),
        replayed_to: Position(replayed_to),
    };
    let thread = writer.start().unwrap();
    told.send(Outcomes { number: 1, ops: outcomes }).await.unwrap();
    drop(told);
    // The outcomes are with the writer, or behind this.
    while store.dirty(&key()).unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let (done, result) = tokio::sync::oneshot::channel();
    let work = Work::Changes(Batch { wanted: vec![(key(), batch)], ..Batch::default() });
    to_writer.send(Handover { source: "live".into(), work, done }).await.unwrap();
    result.await.unwrap().unwrap();
    drop(to_writer);
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
    store.dirty(&key()).unwrap().unwrap()
}

#[tokio::test]
async fn the_writer_hands_a_doubt_on_to_the_value_that_comes_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let doubtful = Dirty { doubtful: true, ..Dirty::fresh(wanted(5, 3)) };
    let amend = Op::Amend { key: key(), position: Position(5), dirty: doubtful };
    let held = written(&store, 0, vec![amend], wanted(6, 4)).await;
    assert_eq!((held.wanted, held.doubtful), (wanted(6, 4), true));
}

#[tokio::test]
async fn what_is_read_once_more_after_a_kill_does_not_take_the_place_of_what_is_newer() {
    for (replayed_to, left) in [(9, wanted(9, 1)), (0, wanted(6, 4))] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let held = written(&store, replayed_to, vec![want(9, 1)], wanted(6, 4)).await;
        assert_eq!(held.wanted, left, "without such a time nothing is looked up");
    }
}

#[test]
fn a_second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let second = Store::open(dir.path(), Options::default());
    assert!(matches!(second, Err(StoreError::Locked(_))));
}

#[test]
fn a_newer_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let newer = Op::PutMeta { name: "schema".to_owned(), value: Store::encode(&99_u32) };
    store.commit(&[newer], Durability::Synced).unwrap();
    drop(store);
    let refused = Store::open(dir.path(), Options::default());
    assert!(matches!(refused, Err(StoreError::Newer { found: 99 })));
}

#[test]
fn spilled_keys_come_back_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let named = |n: u32| Key::stock("w", &format!("S{n:04}"));
    store.spill((0..100).rev().map(|n| (named(n), wanted(1, n))).collect()).unwrap();
    store.spill((50..150).map(|n| (named(n), wanted(2, n))).collect()).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let part = store.spilled(after.as_ref(), 30).unwrap();
        let Some((last, _)) = part.last() else { break };
        after = Some(last.clone());
        seen.extend(part);
    }
    assert_eq!(seen.len(), 150);
    assert!(seen.is_sorted_by_key(|(key, _)| key.id.clone()));
    assert_eq!(seen[75].1.position, Position(2), "the newest value of a key");
    store.clear_spill().unwrap();
    assert_eq!(store.spilled(None, 1).unwrap(), []);
}
