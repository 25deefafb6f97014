//! A standby takes over from Live's server.

use std::time::Duration;

use super::network::through_a_proxy;
use super::proxy::{Mode, Proxy};
use super::server::connect;
use super::{MINUTE, equal, open, shop};
use crate::support::postgres::Cluster;
use crate::support::replicator::Site;

const MISSED: &str = "changes may have been missed";

struct Scene {
    site: Site,
    proxy: Proxy,
    /// Not started yet.
    standby: Cluster,
}

impl Scene {
    /// A replicator at rest whose server has a standby of the moment before.
    async fn new(settings: &[(&str, &str)]) -> Self {
        let mut site = open().await;
        let proxy = through_a_proxy(&site).await;
        site.start();
        equal(&site).await;
        site.postgres.set("wal_keep_size", "512MB");
        site.postgres.stop();
        let standby = Cluster::standby_of(&site.postgres, settings);
        site.postgres.restart();
        connect(&mut site).await;
        Self { site, proxy, standby }
    }

    /// Waits until the standby has replayed all that the primary wrote.
    async fn caught_up(&self) {
        let sql = "SELECT pg_current_wal_flush_lsn()::text";
        let written: String = self.site.live.query_one(sql, &[]).await.unwrap().get(0);
        let standby = self.standby.database("live").connect().await;
        let replayed = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn";
        for _ in 0..600 {
            if standby.query_one(replayed, &[&written]).await.unwrap().get(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the standby does not catch up:\n{}", self.standby.log());
    }

    /// The old server is gone for ever, the standby is Live; we do not see it yet.
    async fn take_over(&mut self) {
        self.proxy.set(Mode::Cut);
        self.site.postgres.kill9();
        let promoted = self.standby.database("postgres").connect().await;
        assert!(promoted.query_one("SELECT pg_promote()", &[]).await.unwrap().get::<_, bool>(0));
        std::mem::swap(&mut self.site.postgres, &mut self.standby);
        connect(&mut self.site).await;
    }

    fn we_see_it(&self) {
        self.proxy.point_to(self.site.postgres.port());
        self.proxy.set(Mode::Pass);
    }

    async fn ends_equal(mut self) {
        shop(&self.site, 30).await;
        equal(&self.site).await;
        assert_eq!(self.site.stop(), 0, "{}", self.site.log());
    }
}

fn without_slots(cluster: &Cluster) {
    let slots = cluster.socket_folder().join("data/pg_replslot");
    for slot in std::fs::read_dir(&slots).unwrap().flatten() {
        std::fs::remove_dir_all(slot.path()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_without_our_slot_takes_over_and_everything_is_compared() {
    let mut scene = Scene::new(&[]).await;
    without_slots(&scene.standby);
    scene.standby.restart();
    shop(&scene.site, 60).await;
    scene.take_over().await;
    shop(&scene.site, 20).await;
    scene.we_see_it();
    scene.site.until("it is noticed", MINUTE, async |site| site.log().contains("the slot was gone")).await;
    equal(&scene.site).await;
    scene.ends_equal().await;
}

/// The slot as the standby has it stands before what was read last: a failover slot that nobody waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lacks_what_was_read_is_noticed_by_its_timeline() {
    let mut scene = Scene::new(&[]).await;
    shop(&scene.site, 60).await;
    equal(&scene.site).await;
    // None of that has reached the standby, and what it writes goes far beyond.
    scene.standby.set("primary_conninfo", "");
    scene.standby.restart();
    scene.take_over().await;
    shop(&scene.site, 200).await;
    scene.we_see_it();
    let lacks = "Live lacks some of what was read";
    scene.site.until("it is noticed", MINUTE, async |site| site.log().contains(lacks)).await;
    equal(&scene.site).await;
    scene.ends_equal().await;
}

/// With the slot and all that was read, nothing needs to be compared: from 17 on by a slot that the server itself keeps in step.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_with_our_slot_goes_on_without_a_comparison() {
    let version = "SELECT current_setting('server_version_num')::int >= 170000";
    let mut scene = Scene::new(&[("hot_standby_feedback", "on")]).await;
    let keeps_slots: bool = scene.site.live.query_one(version, &[]).await.unwrap().get(0);
    if keeps_slots {
        without_slots(&scene.standby);
        let make = "SELECT pg_create_physical_replication_slot('standby')";
        scene.site.live.execute(make, &[]).await.unwrap();
        scene.standby.set("primary_slot_name", "standby");
        scene.standby.set("sync_replication_slots", "on");
    }
    scene.standby.restart();
    shop(&scene.site, 60).await;
    equal(&scene.site).await;
    scene.caught_up().await;
    if keeps_slots {
        let sql = "SELECT count(*) = 1 FROM pg_replication_slots WHERE slot_name = 'mare' AND synced AND NOT temporary";
        let standby = scene.standby.database("live").connect().await;
        let mut synced = false;
        for _ in 0..600 {
            shop(&scene.site, 1).await;
            synced = standby.query_one(sql, &[]).await.unwrap().get(0);
            if synced {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(synced, "the slot does not reach the standby:\n{}", scene.standby.log());
        equal(&scene.site).await;
        scene.caught_up().await;
    }
    scene.take_over().await;
    shop(&scene.site, 20).await;
    scene.we_see_it();
    equal(&scene.site).await;
    let log = scene.site.log();
    assert!(log.contains("Live has a new timeline") && !log.contains(MISSED), "{log}");
    scene.ends_equal().await;
}
