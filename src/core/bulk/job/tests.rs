use super::super::super::call::bulk::SignedUrl;
use super::super::super::record::ParkReason;
use super::super::super::time::Timestamp;
use super::*;

const POLL: Duration = Duration::from_secs(5);

/// A job and its clock.
struct Case {
    job: BulkJob,
    now: Now,
}

fn status(state: BatchState) -> BatchStatus {
    BatchStatus { state, progress: 0, errors: Some(0), rows: None, skipped: 0 }
}

impl Case {
    fn of(kind: BulkKind, rows: usize) -> Self {
        let row = BulkRow::Price {
            sku: super::super::super::entity::SkuId(1),
            cost: super::super::super::money::Money(1),
            base: super::super::super::money::Money(2),
            list: None,
        };
        let now = Now { tick: Tick::ZERO, wall: Timestamp(0) };
        Self { job: BulkJob::new(kind, vec![row; rows], now.tick), now }
    }

    fn opened(kind: BulkKind) -> Self {
        let mut case = Self::of(kind, 2);
        assert_eq!(case.due(), "open");
        let expires_at = case.now.wall.plus(Duration::from_secs(1800));
        let upload = Upload { to: SignedUrl("https://a".to_owned()), headers: Vec::new(), expires_at };
        assert_eq!(case.answer(BulkAnswer::Opened { batch: "b".into(), upload }), None);
        assert_eq!(case.due(), "upload");
        case
    }

    /// Uploaded and, of an inventory, confirmed.
    fn submitted(kind: BulkKind) -> Self {
        let mut case = Self::opened(kind);
        case.done();
        if kind == BulkKind::Inventory {
            assert_eq!(case.due(), "confirm");
            case.done();
        }
        case.wait(POLL);
        assert_eq!(case.due(), "status");
        case
    }

    fn wait(&mut self, time: Duration) {
        self.now = Now { tick: self.now.tick + time, wall: self.now.wall.plus(time) };
    }

    /// The request that is due now.
    fn due(&self) -> &'static str {
        match self.job.next(self.now.tick) {
            Ok(BulkCall::Open { .. }) => "open",
            Ok(BulkCall::Upload { .. }) => "upload",
            Ok(BulkCall::Confirm { .. }) => "confirm",
            Ok(BulkCall::Status { .. }) => "status",
            Ok(BulkCall::Report { .. }) => "report",
            Ok(BulkCall::Download { .. }) => "download",
            Err(_) => "later",
        }
    }

    fn done(&mut self) {
        self.job.done(POLL, self.now);
    }

    fn answer(&mut self, answer: BulkAnswer) -> Option<End> {
        self.job.answered(answer, POLL, self.now)
    }

    fn status(&mut self, state: BatchState) -> Option<End> {
        self.answer(BulkAnswer::Status(status(state)))
    }

    fn fail(&mut self, action: Action, doubtful: bool) -> Option<End> {
        let verdict = Verdict { action, doubtful, code: "E330", hint: "" };
        self.job.failed(&verdict, Duration::from_secs(1), self.now.tick)
    }
}

fn all_applied() -> Option<End> {
    Some(End::Done { failed: Vec::new(), complete: true })
}

#[test]
fn a_job_runs_from_its_opening_to_its_end() {
    for kind in BulkKind::ALL {
        let mut case = Case::submitted(kind);
        assert_eq!(case.status(BatchState::Running), None);
        assert_eq!(case.due(), "later");
        case.wait(POLL);
        assert_eq!(case.due(), "status");
        assert_eq!(case.status(BatchState::Completed), all_applied());
    }
}

#[test]
fn pauses_between_looks_grow_to_a_minute() {
    let mut case = Case::submitted(BulkKind::BasePrices);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(case.status(BatchState::Running), None);
        let due = case.job.next(case.now.tick).unwrap_err();
        let pause = due.since(case.now.tick);
        pauses.push(pause.as_secs());
        case.wait(pause);
    }
    assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60, 60]);
}

#[test]
fn failed_rows_are_read_from_the_report() {
    let mut case = Case::submitted(BulkKind::Inventory);
    let failed = FailedRow {
        sku: super::super::super::entity::SkuId(1),
        warehouse: Some("1".into()),
        code: "CONFLICT".into(),
        message: String::new(),
    };
    let with_errors = |errors| BatchStatus { errors, ..status(BatchState::Completed) };
    assert_eq!(case.answer(BulkAnswer::Status(with_errors(Some(1)))), None);
    assert_eq!(case.due(), "report");
    assert_eq!(case.fail(Action::BreakLane, false), None);
    case.wait(Duration::from_secs(1));
    assert_eq!(case.due(), "report");
    assert_eq!(case.answer(BulkAnswer::Report(Some(SignedUrl("https://a".to_owned())))), None);
    assert_eq!(case.due(), "download");
    // An address that has expired is asked for again.
    assert_eq!(case.fail(Action::Retry, false), None);
    case.wait(Duration::from_secs(1));
    assert_eq!(case.due(), "report");
    assert_eq!(case.answer(BulkAnswer::Report(Some(SignedUrl("https://b".to_owned())))), None);
    let end = case.answer(BulkAnswer::Failed(vec![failed.clone()]));
    assert_eq!(end, Some(End::Done { failed: vec![failed.clone()], complete: true }));
    // Fewer rows than VTEX counts: the others are not to be relied upon.
    let mut case = Case::submitted(BulkKind::Inventory);
    assert_eq!(case.answer(BulkAnswer::Status(with_errors(Some(2)))), None);
    assert_eq!(case.answer(BulkAnswer::Report(Some(SignedUrl("https://a".to_owned())))), None);
    let end = case.answer(BulkAnswer::Failed(vec![failed.clone()]));
    assert_eq!(end, Some(End::Done { failed: vec![failed], complete: false }));
}

#[test]
fn rows_that_vtex_left_out_are_not_taken_for_applied() {
    let left_out = [
        BatchStatus { skipped: 1, ..status(BatchState::Completed) },
        BatchStatus { rows: Some(1), ..status(BatchState::Completed) },
    ];
    for status in left_out {
        let end = Case::submitted(BulkKind::Inventory).answer(BulkAnswer::Status(status));
        assert_eq!(end, Some(End::Done { failed: Vec::new(), complete: false }));
    }
}

#[test]
fn a_lost_upload_is_looked_after_and_sent_again() {
    for kind in BulkKind::ALL {
        let mut case = Case::opened(kind);
        assert_eq!(case.fail(Action::BreakLane, true), None);
        case.wait(Duration::from_secs(1));
        assert_eq!(case.due(), "status");
        assert_eq!(case.status(BatchState::AwaitingUpload), None);
        assert_eq!(case.due(), "upload");
        // It had arrived, and a price import had begun with it.
        assert_eq!(case.fail(Action::BreakLane, true), None);
        case.wait(Duration::from_secs(1));
        assert_eq!(case.status(BatchState::Running), None);
        case.wait(POLL);
        assert_eq!(case.due(), "status");
        assert_eq!(case.status(BatchState::Completed), all_applied());
    }
}

#[test]
fn storage_that_refuses_the_file_leaves_everything_as_it_was() {
    let mut case = Case::opened(BulkKind::BasePrices);
    for tries in 1..=TRIES_MAX {
        assert_eq!(case.due(), "upload");
        assert_eq!(case.fail(Action::Retry, false), None);
        case.wait(Duration::from_secs(1));
        let end = case.status(BatchState::AwaitingUpload);
        assert_eq!(matches!(end, Some(End::Unused(_))), tries == TRIES_MAX);
    }
    let mut case = Case::opened(BulkKind::BasePrices);
    assert_eq!(case.fail(Action::Retry, false), None);
    case.wait(Duration::from_secs(3600));
    assert!(matches!(case.status(BatchState::AwaitingUpload), Some(End::Unused(_))), "the address expired");
}

#[test]
fn a_confirmation_that_is_locked_or_lost_is_looked_after() {
    for (action, doubtful) in [(Action::RetrySoon, false), (Action::BreakLane, true)] {
        let mut case = Case::opened(BulkKind::Inventory);
        case.done();
        assert_eq!(case.due(), "confirm");
        assert_eq!(case.fail(action, doubtful), None);
        case.wait(Duration::from_secs(1));
        assert_eq!(case.due(), "status");
        assert_eq!(case.status(BatchState::AwaitingUpload), None);
        assert_eq!(case.due(), "confirm");
        assert_eq!(case.fail(action, doubtful), None);
        case.wait(Duration::from_secs(1));
        assert_eq!(case.status(BatchState::Running), None);
        case.wait(POLL);
        assert_eq!(case.status(BatchState::Completed), all_applied());
    }
}

#[test]
fn what_is_not_known_at_the_end_is_said() {
    let park = Action::Park(ParkReason::TooLarge);
    // A job that was never opened has changed nothing, whatever the reason.
    for action in [Action::NotOffered, Action::Throttle, Action::BreakLane, Action::WaitForCredentials, park]
    {
        assert!(matches!(Case::of(BulkKind::BasePrices, 1).fail(action, false), Some(End::Unused(_))));
    }
    let mut case = Case::submitted(BulkKind::BasePrices);
    assert!(matches!(case.status(BatchState::Failed), Some(End::Lost(_))));
    let mut case = Case::submitted(BulkKind::Inventory);
    assert_eq!(case.fail(Action::Retry, false), None);
    case.wait(STALLED_AFTER);
    assert!(matches!(case.job.stalled(case.now.tick), Some(End::Abandoned(_))));
    let mut case = Case::submitted(BulkKind::Inventory);
    let errors = BatchStatus { errors: None, ..status(BatchState::Completed) };
    assert_eq!(case.answer(BulkAnswer::Status(errors)), None);
    assert!(matches!(case.answer(BulkAnswer::Report(None)), Some(End::Lost(_))));
    // Confirmed never, so nothing of it was applied.
    let mut case = Case::opened(BulkKind::Inventory);
    assert_eq!(case.fail(Action::Retry, false), None);
    assert!(matches!(case.status(BatchState::Expired), Some(End::Unused(_))));
}

#[test]
fn new_credentials_and_a_rate_limit_are_waited_for() {
    let mut case = Case::submitted(BulkKind::Inventory);
    for action in [Action::WaitForCredentials, Action::Throttle] {
        assert_eq!(case.fail(action, false), None);
        assert_eq!(case.due(), "status");
    }
}

#[test]
fn a_job_that_gets_nowhere_is_given_up() {
    let mut case = Case::submitted(BulkKind::BasePrices);
    for progress in 1..10 {
        case.wait(STALLED_AFTER / 2);
        let working = BatchStatus { progress, ..status(BatchState::Running) };
        assert_eq!(case.answer(BulkAnswer::Status(working)), None);
        assert_eq!(case.job.stalled(case.now.tick), None, "it moves");
    }
    case.wait(STALLED_AFTER);
    assert!(matches!(case.job.stalled(case.now.tick), Some(End::Abandoned(_))));
    let mut case = Case::opened(BulkKind::Inventory);
    case.wait(STALLED_AFTER);
    assert!(matches!(case.job.stalled(case.now.tick), Some(End::Unused(_))), "nothing was confirmed");
}

#[test]
fn a_job_of_the_last_process_is_waited_for() {
    let resumed = |kind| {
        let now = Now { tick: Tick::ZERO, wall: Timestamp(0) };
        Case { job: BulkJob::resumed(kind, "b".into(), 2, now.tick), now }
    };
    let mut case = resumed(BulkKind::BasePrices);
    assert_eq!(case.due(), "status");
    assert_eq!(case.status(BatchState::Running), None);
    case.wait(POLL);
    assert_eq!(case.status(BatchState::Completed), all_applied());
    // Its file, or its confirmation, may still be on the way; then no more.
    let mut case = resumed(BulkKind::Inventory);
    assert_eq!(case.status(BatchState::AwaitingUpload), None);
    case.wait(LATE_APPLY);
    assert_eq!(case.due(), "status");
    assert!(matches!(case.status(BatchState::AwaitingUpload), Some(End::Unused(_))));
}
