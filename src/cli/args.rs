//! The arguments: what can be typed.
//!
//! Owns the grammar and its help texts; what an argument means is decided by the verb's own file. Global flags are
//! spelled as kubectl spells them.

use std::path::PathBuf;

use clap::{Args as ArgsOf, Parser, Subcommand, ValueEnum};

/// A terminal console for training jobs on Kubernetes.
///
/// Without a verb it opens the console on the current context of your kubeconfig.
#[derive(Clone, Debug, Parser)]
#[command(name = "mpideck", version, max_term_width = 100, after_help = EXIT_CODES)]
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

/// Flags of every verb.
#[derive(Clone, Debug, Default, ArgsOf)]
pub struct Global {
    /// Kubeconfig file to read, and no other
    #[arg(long, global = true, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,
    /// Namespace to look at (repeat it for several)
    #[arg(short, long = "namespace", global = true, value_name = "NAME", help_heading = "Cluster")]
    pub namespaces: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long, global = true, conflicts_with = "namespaces", help_heading = "Cluster")]
    pub all_namespaces: bool,
    /// User to act as
    #[arg(long = "as", global = true, value_name = "USER", help_heading = "Cluster")]
    pub act_as: Option<String>,
    /// Group to act as (repeat it for several)
    #[arg(long = "as-group", global = true, value_name = "GROUP", help_heading = "Cluster")]
    pub act_as_groups: Vec<String>,
    /// How long a request may take (30s, 1m)
    #[arg(long, global = true, value_name = "TIME", value_parser = length_of_time, help_heading = "Cluster")]
    pub request_timeout: Option<std::time::Duration>,
    /// Forbid every command that changes the cluster
    #[arg(long, global = true, help_heading = "Cluster")]
    pub read_only: bool,
    /// How many colours to write
    #[arg(long, global = true, value_enum, value_name = "WHEN", help_heading = "Screen")]
    pub color: Option<Color>,
    /// Draw with ASCII only
    #[arg(long, global = true, help_heading = "Screen")]
    pub ascii: bool,
    /// Name of a theme
    #[arg(long, global = true, value_name = "NAME", help_heading = "Screen")]
    pub theme: Option<String>,
    /// Name of a keymap
    #[arg(long, global = true, value_name = "NAME", help_heading = "Screen")]
    pub keymap: Option<String>,
    /// Take clicks and the wheel
    #[arg(long, global = true, help_heading = "Screen")]
    pub mouse: bool,
    /// Print one screen as text and exit
    #[arg(long, global = true, help_heading = "Screen")]
    pub once: bool,
    /// Size of that screen
    #[arg(long, global = true, value_name = "WIDTHxHEIGHT", value_parser = size, help_heading = "Screen")]
    pub size: Option<(u16, u16)>,
    /// Where to write the log (its level is set by `MPIDECK_LOG`: debug, info, …)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Screen")]
    pub log_file: Option<PathBuf>,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// As the terminal says
    Auto,
    /// None
    Never,
    /// The terminal's own sixteen
    #[value(name = "16")]
    Ansi16,
    /// 256
    #[value(name = "256")]
    Ansi256,
    /// 24 bits
    True,
}

impl Global {
    /// Whether it says that there shall be colours, whatever the output is.
    pub fn wants_colours(&self) -> bool {
        !matches!(self.color, None | Some(Color::Auto | Color::Never))
    }
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Open the console on a small cluster of its own, or serve that cluster to others
    Demo(super::demo::DemoArgs),
    /// Print what the console shows, for people and scripts
    Get {
        /// What to get
        #[command(subcommand)]
        what: super::get::What,
    },
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

/// Reads a length of time as an argument.
pub(super) fn length_of_time(text: &str) -> Result<std::time::Duration, String> {
    crate::config::value::duration(text).ok_or_else(|| "write it as 30s, 2m or 1m30s".to_owned())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match parsed {
        Some((width @ 1..=1000, height @ 1..=1000)) => Ok((width, height)),
        _ => Err("write it as 120x40".to_owned()),
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
