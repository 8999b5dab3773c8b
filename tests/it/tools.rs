//! Programs that tests need beside ours: absent, they are skipped loudly; where they are required, they must be there.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// Whether a program is on PATH, which this argument makes say something and end.
#[expect(clippy::disallowed_methods, reason = "programs are what is tested with")]
pub(crate) fn is_there(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    let required = std::env::var("MPIDECK_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
    assert!(there || !required, "{program} is not on PATH, and MPIDECK_REQUIRE_TOOLS=1");
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED: {program} is not on PATH");
    }
    there
}
