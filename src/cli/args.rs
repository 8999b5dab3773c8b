//! The flags of every verb, and how values are read.
//!
//! They are spelled as kubectl spells them; what one means is decided by who uses it. Must not know the verbs, which are
//! put together in `verbs`.

use std::path::PathBuf;

use clap::{Args as ArgsOf, ValueEnum};

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
    /// How long a request may take (30s, 1m; 0 is no limit)
    #[arg(long, global = true, value_name = "TIME", value_parser = request_limit, help_heading = "Cluster")]
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

/// Reads a length of time as an argument.
pub(super) fn length_of_time(text: &str) -> Result<std::time::Duration, String> {
    crate::config::value::duration(text).ok_or_else(|| "write it as 30s, 2m or 1m30s".to_owned())
}

fn request_limit(text: &str) -> Result<std::time::Duration, String> {
    length_of_time(text).map(crate::config::value::request_limit)
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match parsed {
        Some((width @ 1..=1000, height @ 1..=1000)) => Ok((width, height)),
        _ => Err("write it as 120x40".to_owned()),
    }
}
