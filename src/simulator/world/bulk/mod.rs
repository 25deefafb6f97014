//! Jobs of many rows: price imports (Bulk Pricing API) and batch inventories (Logistics API), from their opening to the
//! report on their errors, on the simulator's own clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};
use serde::Deserialize;

use super::{SkuId, World, locked};

mod rows;

use rows::Applied;

/// "Valid for 30 minutes" (batch inventory); VTEX's example of a price import has 600 seconds.
const INVENTORY_UPLOAD: Duration = Duration::from_secs(30 * 60);
const IMPORT_UPLOAD: Duration = Duration::from_secs(10 * 60);

/// How the account's bulk jobs behave.
#[derive(Clone, Copy, Debug)]
pub struct BulkOptions {
    /// The status with which opening a price import is refused; `None`: the account has them.
    pub no_price_imports: Option<u16>,
    /// The same of batch inventories, which are in early access. Default: 403.
    pub no_batch_inventories: Option<u16>,
    /// How long each stage of a job takes.
    pub stage: Duration,
    /// An empty list price in an import keeps the one that is there. Default: it deletes it (undocumented).
    pub empty_list_price_stays: bool,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self {
            no_price_imports: None,
            no_batch_inventories: Some(403),
            stage: Duration::from_secs(1),
            empty_list_price_stays: false,
        }
    }
}

/// What goes wrong with jobs from now on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BulkFaults {
    /// Rows that fail.
    pub rows: Vec<RowFault>,
    /// So many uploads are answered with 503.
    pub uploads: u32,
    /// The file of such an upload arrives all the same.
    pub uploads_arrive: bool,
    /// So many jobs end as FAILED, nothing applied.
    pub jobs: u32,
}

/// A row that fails whatever it says.
#[derive(Clone, Debug, Deserialize)]
pub struct RowFault {
    /// VTEX SKU id.
    pub sku: SkuId,
    /// What the report says.
    pub code: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    BasePrices,
    FixedPrices,
    Inventory,
}

/// The states of both APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    AwaitingUpload,
    Received,
    Queued,
    Validating,
    Processing,
    Documenting,
    Completed,
    CompletedWithErrors,
    Failed,
    Expired,
}

impl JobState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AwaitingUpload => "AWAITING_UPLOAD",
            Self::Received => "RECEIVED",
            Self::Queued => "QUEUED",
            Self::Validating => "VALIDATING",
            Self::Processing => "PROCESSING",
            Self::Documenting => "DOCUMENTING",
            Self::Completed => "COMPLETED",
            Self::CompletedWithErrors => "COMPLETED_WITH_ERRORS",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// A job as its API shows it. Times are the simulator's.
#[derive(Clone, Debug)]
pub(crate) struct JobView {
    pub(crate) kind: JobKind,
    pub(crate) state: JobState,
    pub(crate) created: Duration,
    pub(crate) started: Option<Duration>,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) applied: Option<Counts>,
    /// Of the report on errors.
    pub(crate) signature: CompactString,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) unchanged: u64,
    pub(crate) skipped: u64,
    pub(crate) errors: u64,
}

/// Why the storage or VTEX refuses a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown,
    Signature,
    Size,
    State,
    /// On purpose.
    Unavailable,
}

#[derive(Debug, Default)]
pub(crate) struct BulkJobs {
    inner: Mutex<Inner>,
    /// Jobs whose rows are not applied yet: requests that meet none of them cost nothing.
    open: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: HashMap<CompactString, Job>,
    /// When an item was last written by itself while a batch inventory was open.
    touched: HashMap<RowKey, Duration>,
    faults: BulkFaults,
    refused: [Option<Option<u16>>; 2],
}

type RowKey = (SkuId, Option<u16>);

#[derive(Debug)]
struct Job {
    kind: JobKind,
    created: Duration,
    signature: CompactString,
    announced: Option<u64>,
    file: Option<(Bytes, Duration)>,
    /// When VTEX began: with the file, or with the confirmation.
    started: Option<Duration>,
    fails: bool,
    keys: HashSet<RowKey>,
    rows: u64,
    applied: Option<Applied>,
}

impl Job {
    /// After how many stages the rows are applied, and after how many it is over.
    const fn stages(&self) -> (u32, u32) {
        match self.kind {
            JobKind::Inventory => (2, 2),
            JobKind::BasePrices | JobKind::FixedPrices => (3, 4),
        }
    }

    fn upload_until(&self) -> Duration {
        let valid = if self.kind == JobKind::Inventory { INVENTORY_UPLOAD } else { IMPORT_UPLOAD };
        self.created + valid
    }

    fn state(&self, stage: Duration, now: Duration) -> JobState {
        use JobState::{Documenting, Processing, Queued, Received, Validating};
        let Some(started) = self.started else {
            let expired = self.kind == JobKind::Inventory && now > self.upload_until();
            return if expired { JobState::Expired } else { JobState::AwaitingUpload };
        };
        let passed = now.saturating_sub(started);
        let under_way: &[JobState] = match self.kind {
            JobKind::Inventory => &[Queued, Processing],
            _ => &[Received, Validating, Processing, Documenting],
        };
        let at = (1..).zip(under_way).find(|(number, _)| passed < stage * *number);
        match (at, &self.applied) {
            (Some((_, state)), _) => *state,
            _ if self.fails => JobState::Failed,
            (None, Some(applied)) if applied.counts.errors > 0 => JobState::CompletedWithErrors,
            (None, _) => JobState::Completed,
        }
    }
}

impl BulkJobs {
    pub(super) fn clear(&self) {
        *locked(&self.inner) = Inner::default();
        self.open.store(0, Ordering::Release);
    }

    pub(super) fn disturb(&self, faults: BulkFaults) {
        locked(&self.inner).faults = faults;
    }

    pub(super) fn refuse(&self, imports: Option<u16>, inventories: Option<u16>) {
        locked(&self.inner).refused = [Some(imports), Some(inventories)];
    }

    /// The status with which jobs of a kind are refused.
    pub(crate) fn refused(&self, options: &BulkOptions, kind: JobKind) -> Option<u16> {
        let refused = locked(&self.inner).refused;
        match kind {
            JobKind::Inventory => refused[1].unwrap_or(options.no_batch_inventories),
            JobKind::BasePrices | JobKind::FixedPrices => refused[0].unwrap_or(options.no_price_imports),
        }
    }

    /// A new job; its signature, and until when the file is taken.
    pub(crate) fn open(
        &self,
        id: &str,
        kind: JobKind,
        announced: Option<u64>,
        signature: &str,
        now: Duration,
    ) -> Duration {
        let mut inner = locked(&self.inner);
        let fails = inner.faults.jobs > 0;
        inner.faults.jobs = inner.faults.jobs.saturating_sub(1);
        let job = Job {
            kind,
            created: now,
            signature: signature.into(),
            announced,
            file: None,
            started: None,
            fails,
            keys: HashSet::new(),
            rows: 0,
            applied: None,
        };
        let until = job.upload_until();
        inner.jobs.insert(id.into(), job);
        self.open.fetch_add(1, Ordering::AcqRel);
        until
    }

    /// Takes a file. A price import begins with it.
    pub(crate) fn upload(
        &self,
        world: &World,
        id: &str,
        signature: &str,
        file: Bytes,
        now: Duration,
    ) -> Result<(), Refused> {
        let mut inner = locked(&self.inner);
        let unavailable = inner.faults.uploads > 0;
        inner.faults.uploads = inner.faults.uploads.saturating_sub(1);
        if unavailable && !inner.faults.uploads_arrive {
            return Err(Refused::Unavailable);
        }
        let job = inner.jobs.get_mut(id).ok_or(Refused::Unknown)?;
        if job.signature != signature || now > job.upload_until() {
            return Err(Refused::Signature);
        }
        if job.announced.is_some_and(|bytes| bytes != file.len() as u64) {
            return Err(Refused::Size);
        }
        if job.started.is_some() {
            return Ok(()); // the same file again: storage does not mind
        }
        (job.keys, job.rows) = rows::keys(world, job.kind, &file);
        job.file = Some((file, now));
        if job.kind != JobKind::Inventory {
            job.started = Some(now);
        }
        if unavailable { Err(Refused::Unavailable) } else { Ok(()) }
    }

    pub(crate) fn confirm(&self, id: &str, now: Duration) -> Result<(), Refused> {
        let mut inner = locked(&self.inner);
        let job =
            inner.jobs.get_mut(id).filter(|job| job.kind == JobKind::Inventory).ok_or(Refused::Unknown)?;
        if job.file.is_none() || job.started.is_some() || now > job.upload_until() {
            return Err(Refused::State);
        }
        job.started = Some(now);
        Ok(())
    }

    pub(crate) fn view(&self, id: &str, inventory: bool, stage: Duration, now: Duration) -> Option<JobView> {
        let inner = locked(&self.inner);
        let job = inner.jobs.get(id).filter(|job| (job.kind == JobKind::Inventory) == inventory)?;
        Some(JobView {
            kind: job.kind,
            state: job.state(stage, now),
            created: job.created,
            started: job.started,
            bytes: job.file.as_ref().map_or(0, |(file, _)| file.len() as u64),
            rows: job.rows,
            applied: job.applied.as_ref().map(|applied| applied.counts),
            signature: job.signature.clone(),
        })
    }

    /// The report on the rows that failed.
    pub(crate) fn report(&self, id: &str, signature: &str) -> Result<String, Refused> {
        let inner = locked(&self.inner);
        let job = inner.jobs.get(id).ok_or(Refused::Unknown)?;
        let applied =
            job.applied.as_ref().filter(|_| job.signature == signature).ok_or(Refused::Signature)?;
        Ok(applied.report.clone())
    }

    /// An item is written by itself. True when a job that VTEX is at work on holds it: its row may go over this write.
    pub(crate) fn touch(&self, sku: SkuId, warehouse: Option<u16>, now: Duration) -> bool {
        if self.open.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut inner = locked(&self.inner);
        let key = (sku, warehouse);
        inner.touched.insert(key, now);
        inner
            .jobs
            .values()
            .any(|job| job.started.is_some() && job.applied.is_none() && job.keys.contains(&key))
    }

    /// Applies the rows of every job whose time has come.
    pub(crate) fn work(&self, world: &World, now: Duration) {
        if self.open.load(Ordering::Acquire) == 0 {
            return;
        }
        let stage = world.options.bulk.stage;
        let mut inner = locked(&self.inner);
        let Inner { jobs, touched, faults, .. } = &mut *inner;
        for job in jobs.values_mut().filter(|job| job.applied.is_none()) {
            let (apply_after, _) = job.stages();
            let due = job.started.is_some_and(|started| now >= started + stage * apply_after);
            let Some((file, uploaded)) = job.file.as_ref().filter(|_| due) else { continue };
            // "Skipped as they were recently modified using the individual item API"; of prices nothing is said, so
            // there a row goes over whatever was written meanwhile.
            let skip = |key: &RowKey| {
                job.kind == JobKind::Inventory && touched.get(key).is_some_and(|at| at >= uploaded)
            };
            job.applied = Some(match job.fails {
                true => Applied::default(),
                false => rows::apply(world, job.kind, file, &faults.rows, skip),
            });
            job.keys = HashSet::new();
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
