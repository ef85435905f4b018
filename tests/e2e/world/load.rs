//! A steady producer, to see what a change does to those who use the cluster meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Kafka, Running};

/// Of the producer, in messages.
pub(crate) const PER_SECOND: u64 = 400;
/// No change takes longer.
const LONGEST: Duration = Duration::from_secs(900);

/// Sends numbers at a steady rate until it is told to stop; then how many.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    sending: thread::JoinHandle<(Running, u64)>,
}

impl Load {
    pub(crate) fn on(kafka: &Kafka, topic: &str) -> Self {
        let mut producing = kafka.start(&["produce", topic]).within(LONGEST);
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let sending = thread::spawn(move || {
            let (began, mut sent) = (Instant::now(), 0);
            while !told.load(Ordering::Relaxed) {
                let due = u64::try_from(began.elapsed().as_millis()).expect("soon") * PER_SECOND / 1000;
                let lines: String = (sent..due).map(|number| format!("{number}\n")).collect();
                producing.write(lines.as_bytes());
                sent = due.max(sent);
                thread::sleep(Duration::from_millis(20));
            }
            (producing, sent)
        });
        Self { stop, sending }
    }

    /// Every message must have been confirmed.
    pub(crate) fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let (producing, sent) = self.sending.join().expect("the producer's thread");
        producing.end().succeeded();
        sent
    }
}
