//! `mpideck new`: the console on a new job, from a template, a file or stdin.
//!
//! Nothing is sent from here: the console shows what would be made, and asks.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args as ArgsOf;

use super::{args::Global, console, exit::Failure, reach, setup::Setup};
use crate::{
    config::files,
    console::model::draft::Opening,
    disk::drafts::MOST_BYTES,
    jobs::{Clean, Raw, drafting::Template},
};

/// Flags of `new`.
#[derive(Clone, Debug, ArgsOf)]
pub struct NewArgs {
    /// Template to begin with: one of ours or of your own; without one, they are offered
    #[arg(value_name = "TEMPLATE", conflicts_with = "file")]
    pub template: Option<String>,
    /// Manifest to begin with; - reads stdin
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &NewArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let opening = match (&args.file, &args.template) {
        (Some(file), _) => text(file)?,
        (None, Some(name)) => template(name, setup)?,
        (None, None) => Opening::New,
    };
    let mut start = console::begin(global, setup, reach::user_clusters(global, setup), reach::wall_clock())?;
    start.draft = Some(opening);
    console::in_runtime(console::show(start, global, setup))
}

fn template(name: &str, setup: &Setup) -> Result<Opening, Failure> {
    let own = setup.paths.as_ref().map(|paths| files::templates(&paths.templates())).unwrap_or_default();
    let all = Template::list_with(&own);
    let names: Vec<_> = all.iter().map(|template| template.id.to_string()).collect();
    let found = all.into_iter().find(|template| template.id.as_str() == name);
    let template = found.ok_or_else(|| {
        let what = format!("there is no template «{}»", Clean::new(name));
        Failure::not_found(&what).hint(&format!("there are {}", names.join(", ")))
    })?;
    Ok(Opening::Template(Box::new(template)))
}

fn text(file: &Path) -> Result<Opening, Failure> {
    let failed = |error: io::Error| Failure::new(&format!("can't read {}: {error}", file.display()));
    let is_stdin = file == Path::new("-");
    let mut bytes = Vec::new();
    let most = MOST_BYTES as u64 + 1;
    if is_stdin {
        io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(failed)?;
        keys_from_terminal()?;
    } else {
        File::open(file).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() > MOST_BYTES {
        return Err(Failure::new(&format!(
            "{} is larger than {MOST_BYTES} bytes: no API server takes that",
            file.display()
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::new(&format!("{} is not UTF-8 text", file.display())))?;
    let origin = if is_stdin { "from stdin".to_owned() } else { format!("from {}", file.display()) };
    Ok(Opening::Text { origin: Clean::new(&origin).to_string(), text: Raw::new(text) })
}

/// Stdin has been read to its end: keys come from the terminal itself.
fn keys_from_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let lacking = |error: io::Error| {
        Failure::usage(&format!("the console needs a terminal: {error}")).hint("write the manifest to a file: -f FILE")
    };
    let terminal = File::open("/dev/tty").map_err(lacking)?;
    rustix::stdio::dup2_stdin(&terminal).map_err(|errno| lacking(errno.into()))
}
