//! Records become lines: formatting, counting, and knowing when it is enough.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;

use crate::commands::tally::Tally;
use crate::error::CommandError;
use crate::kafka::Error;
use crate::kafka::fetch::{Chunk, Decompressor, Happening};
use crate::kafka::records::{Record, Template, envelope};
use crate::ui::Ui;

/// Formatted bytes that are handed to stdout in one go.
const WRITE: usize = 64 * 1024;

/// How a record is written.
#[derive(Debug, Clone)]
pub(super) enum Style {
    /// The value and a newline.
    Value,
    /// By `--format`.
    Template(Template),
    /// The envelope.
    Json,
}

/// What the printing thread shares with the command: the command may end while the thread is stuck in a
/// pipe that nobody reads.
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    tally: Mutex<Tally>,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { stop: AtomicBool::new(false), tally: Mutex::new(Tally::start()) })
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Writes records to stdout.
pub(super) struct Printer {
    ui: Ui,
    style: Style,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    /// How many are still wanted.
    left: Option<u64>,
}

impl Printer {
    pub(super) fn new(ui: Ui, style: Style, count: Option<u64>, shared: Arc<Shared>) -> Self {
        Self { ui, style, shared, buffer: Vec::with_capacity(2 * WRITE), left: count }
    }

    /// Formats one record; breaks when it was the last that is wanted.
    pub(super) fn take(&mut self, record: &Record<'_>) -> Result<ControlFlow<()>, CommandError> {
        match &self.style {
            Style::Value => {
                self.buffer.extend_from_slice(record.value.unwrap_or_default());
                self.buffer.push(b'\n');
            }
            Style::Template(template) => template.write(record, &mut self.buffer),
            Style::Json => envelope::write(record, &mut self.buffer),
        }
        if self.buffer.len() >= WRITE {
            self.pass_on()?;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Counts what was taken of one partition.
    pub(super) fn count(&self, topic: &str, partition: i32, messages: u64, bytes: u64) {
        let mut tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.add(topic, partition, messages, bytes);
    }

    /// Makes everything visible: before waiting, and at the end.
    pub(super) fn flush(&mut self) -> Result<(), CommandError> {
        self.pass_on()?;
        self.ui.flush()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }

    fn pass_on(&mut self) -> Result<(), CommandError> {
        self.ui.out(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Prints what the reader sends, until it ends, or enough was printed. Blocks.
    pub(super) fn drain(mut self, mut happenings: UnboundedReceiver<Happening>) -> Result<(), CommandError> {
        let mut decompressor = Decompressor::default();
        loop {
            let happening = match happenings.try_recv() {
                Ok(happening) => Some(happening),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => {
                    self.flush()?;
                    happenings.blocking_recv()
                }
            };
            let enough = match happening {
                None => true,
                Some(_) if self.is_stopped() => true,
                Some(Happening::Notice(notice)) => {
                    self.ui.warning(notice.to_string());
                    false
                }
                Some(Happening::Chunk(chunk)) => self.print(&chunk, &mut decompressor)?.is_break(),
            };
            if enough {
                return self.flush();
            }
        }
    }

    fn print(&mut self, chunk: &Chunk, decompressor: &mut Decompressor) -> Result<ControlFlow<()>, CommandError> {
        let (mut messages, mut bytes) = (0, 0);
        let outcome = chunk.visit(decompressor, |record| {
            messages += 1;
            bytes += size(record);
            match self.take(record) {
                Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
                Ok(ControlFlow::Break(())) => ControlFlow::Break(Ok(())),
                Err(error) => ControlFlow::Break(Err(error)),
            }
        });
        if messages > 0 {
            self.count(&chunk.topic, chunk.partition, messages, bytes);
        }
        match outcome {
            Ok(ControlFlow::Continue(())) => Ok(ControlFlow::Continue(())),
            Ok(ControlFlow::Break(done)) => done.map(ControlFlow::Break),
            Err(error) => Err(Error::from((chunk, error)).into()),
        }
    }
}

/// Of key and value.
pub(super) fn size(record: &Record<'_>) -> u64 {
    let length = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
    u64::try_from(length).unwrap_or(u64::MAX)
}
