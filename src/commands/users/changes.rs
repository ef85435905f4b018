//! Ctrl-C between the two halves of a user: what is begun is finished first.
//!
//! A password that Kafka has and the Secret has not (or the reverse) locks out whoever reads the Secret, so a command
//! ends between users only.

use std::future::Future;
use std::pin::pin;

use tokio::sync::Mutex;

use crate::error::{CommandError, CommandResult, ErrorKind, Exit};

/// The users that a command has changed. Whoever holds the list is in the midst of one.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<Vec<String>>);

impl Changes {
    /// Changes both halves of a user, which an interrupt does not tear apart.
    pub(super) async fn whole<E>(&self, user: &str, change: impl Future<Output = Result<(), E>>) -> Result<(), E> {
        let mut changed = self.0.lock().await;
        change.await?;
        changed.push(user.to_owned());
        Ok(())
    }

    /// Does the work until it is done or `interrupted` says so; then the user that is begun is finished, for no longer
    /// than its requests may take.
    pub(super) async fn until(
        &self,
        interrupted: impl Future<Output = ()>,
        work: impl Future<Output = CommandResult>,
    ) -> CommandResult {
        let mut work = pin!(work);
        tokio::select! {
            result = &mut work => return result,
            () = interrupted => {}
        }
        // The lock is fair: it comes here before it goes to the next user.
        tokio::select! {
            biased;
            changed = self.0.lock() => interrupted_after(&changed),
            result = &mut work => result,
        }
    }
}

fn interrupted_after(changed: &[String]) -> CommandResult {
    if changed.is_empty() {
        return Ok(Exit::Interrupted);
    }
    let users: Vec<String> = changed.iter().map(|user| format!("user \"{user}\"")).collect();
    Err(CommandError::new(ErrorKind::Interrupted, format!("interrupted; done before that: {}", users.join(", "))))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Two steps with a pause between them, for each of two users; the interrupt comes in the given pause.
    async fn interrupted_in(pause: usize) -> (usize, CommandResult) {
        let (steps, changes) = (AtomicUsize::new(0), Changes::default());
        let step = async || {
            steps.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        };
        let interrupt = async {
            while steps.load(Ordering::SeqCst) < pause {
                tokio::task::yield_now().await;
            }
        };
        let work = async {
            for user in ["alice", "bob"] {
                changes
                    .whole(user, async {
                        step().await;
                        step().await;
                        Ok::<(), CommandError>(())
                    })
                    .await?;
            }
            pending::<()>().await;
            Ok(Exit::Done)
        };
        let result = changes.until(interrupt, work).await;
        (steps.load(Ordering::SeqCst), result)
    }

    #[tokio::test]
    async fn a_user_that_is_begun_is_finished_and_no_other_is_begun() {
        for (pause, finished, message) in [
            (1, 2, "interrupted; done before that: user \"alice\""),
            (3, 4, "interrupted; done before that: user \"alice\", user \"bob\""),
        ] {
            let (steps, result) = interrupted_in(pause).await;
            assert_eq!(steps, finished);
            let error = result.expect_err("interrupted");
            assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Interrupted, message));
        }
    }

    #[tokio::test]
    async fn before_the_first_change_an_interrupt_ends_at_once() {
        let changes = Changes::default();
        let result = changes.until(ready(()), pending::<CommandResult>()).await;
        assert_eq!(result.expect("no error"), Exit::Interrupted);
    }

    #[tokio::test]
    async fn a_change_that_fails_after_the_interrupt_is_told() {
        let (begun, changes) = (AtomicUsize::new(0), Changes::default());
        let interrupt = async {
            while begun.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        let work = async {
            let change = async {
                begun.store(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                Err(CommandError::failed("secret/a was not changed"))
            };
            changes.whole("alice", change).await.map(|()| Exit::Done)
        };
        let error = changes.until(interrupt, work).await.expect_err("the change failed");
        assert_eq!(error.message, "secret/a was not changed");
    }
}
