//! `--wait`, `--no-wait` and `--timeout` of the commands that change what runs.

use std::time::Duration;

use clap::Args;

use super::duration;

/// The flags.
#[derive(Debug, Clone, Args)]
pub struct WaitArgs {
    /// Wait until it is done (the default)
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,

    /// Return as soon as it is under way
    #[arg(long)]
    no_wait: bool,

    /// Give up waiting after this time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10m")]
    pub timeout: Duration,
}

impl WaitArgs {
    /// Whether to wait; the last of both flags wins.
    pub fn is_on(&self) -> bool {
        self.wait || !self.no_wait
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        wait: WaitArgs,
    }

    #[test]
    fn the_last_flag_wins() {
        for (arguments, expected) in
            [(&[][..], true), (&["--no-wait"], false), (&["--no-wait", "--wait"], true), (&["--wait"], true)]
        {
            let typed = Typed::try_parse_from(std::iter::once("x").chain(arguments.iter().copied()));
            assert_eq!(typed.map(|typed| typed.wait.is_on()).ok(), Some(expected), "{arguments:?}");
        }
    }
}
