//! The whole grammar: which verbs there are, and their help texts.
//!
//! What a verb's own flags are is said in its file.

use clap::{Parser, Subcommand};

use super::{
    args::Global, check::CheckArgs, compare::CompareArgs, delete::DeleteArgs, demo::DemoArgs, explain::ExplainArgs,
    get::What, history::HistoryArgs, new::NewArgs, record::RecordArgs, top::Top,
};

/// A terminal console for training jobs on Kubernetes.
///
/// Without a verb it opens the console on the current context of your kubeconfig.
#[derive(Clone, Debug, Parser)]
#[command(name = "mpideck", version = version(), max_term_width = 100, after_help = EXIT_CODES)]
pub struct Args {
    /// Flags of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 arguments, settings or terminal not usable; \
    3 printed, but part of it could not be read (said on stderr); 4 not found; \
    129, 130, 143 ended by SIGHUP, SIGINT, SIGTERM.";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Open the console on a small cluster of its own, or serve that cluster to others
    Demo(DemoArgs),
    /// Print what the console shows, for people and scripts
    Get {
        /// What to get
        #[command(subcommand)]
        what: What,
    },
    /// Print what is used, and by whom
    Top {
        /// What to look at
        #[command(subcommand)]
        what: Top,
    },
    /// Print jobs side by side, living or recorded: speed, efficiency, what differs
    Compare(CompareArgs),
    /// Delete jobs, with what they own
    Delete(DeleteArgs),
    /// Say what is wrong with a manifest before it is sent
    Check(CheckArgs),
    /// Say why a job, a log or a bug report's evidence failed
    Explain(ExplainArgs),
    /// Keep on disk what will vanish of jobs, without a console, until ctrl-c
    Record(RecordArgs),
    /// Write a new job in the console, from a template, a file or stdin
    New(NewArgs),
    /// List, print and remove what was recorded of jobs
    History(HistoryArgs),
    /// Print every path and setting in use, and where each comes from
    Info,
    /// Print every command with its keys
    Keys {
        /// As the documentation has it
        #[arg(long)]
        markdown: bool,
    },
    /// Print a completion script for your shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The version, with the commit where the build was told it (`MPIDECK_COMMIT=$(git rev-parse --short HEAD) cargo build`).
pub fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match option_env!("MPIDECK_COMMIT") {
        Some(commit) if !commit.is_empty() => format!("{version} ({commit})"),
        _ => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_are_kubectls_and_go_after_the_verb_too() {
        let args = Args::try_parse_from(["mpideck", "info", "-n", "a", "-n", "b", "--as", "u", "--request-timeout=5s"])
            .expect("parsed");
        assert_eq!(args.global.namespaces, ["a", "b"]);
        assert_eq!(args.global.act_as.as_deref(), Some("u"));
        assert_eq!(args.global.request_timeout, Some(std::time::Duration::from_secs(5)));
        assert!(Args::try_parse_from(["mpideck", "-A", "-n", "a"]).is_err());
        assert!(Args::try_parse_from(["mpideck", "--size", "0x9"]).is_err());
    }
}
