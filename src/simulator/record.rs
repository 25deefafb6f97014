//! Every exchange, one JSON object a line, for a checker that knows nothing of us.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Lines that may wait for the disk; then the simulator waits.
const LINES_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Recorder {
    lines: SyncSender<String>,
    thread: JoinHandle<()>,
}

impl Recorder {
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let (lines, receiver) = sync_channel(LINES_MAX);
        let thread =
            std::thread::Builder::new().name("recorder".to_owned()).spawn(move || write(receiver, file))?;
        Ok(Self { lines, thread })
    }

    pub(super) fn sender(&self) -> SyncSender<String> {
        self.lines.clone()
    }

    pub(super) fn finish(self) {
        drop(self.lines);
        let _ = self.thread.join();
    }
}

fn write(lines: Receiver<String>, mut file: BufWriter<File>) {
    // Each line is flushed when no other follows at once: a killed simulator leaves whole lines.
    while let Ok(line) = lines.recv() {
        let mut written = writeln!(file, "{line}");
        while let Ok(line) = lines.try_recv() {
            written = written.and_then(|()| writeln!(file, "{line}"));
        }
        if written.and_then(|()| file.flush()).is_err() {
            eprintln!("the record cannot be written; it ends here");
            return;
        }
    }
}
