//! What the settings say of alerts: about which jobs, from when on a quota is nearly full, and how they are told beside
//! the footer.

use super::value::Value;

/// Of which jobs is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlertJobs {
    /// Of none, and nothing else is told either.
    Off,
    /// Of those that are pinned.
    Pinned,
    /// Of those that are pinned, and of those whose page was opened in this run.
    #[default]
    Watched,
}

impl AlertJobs {
    /// The word of the setting.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pinned => "pinned",
            Self::Watched => "watched",
        }
    }
}

/// A way to tell that the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSignal {
    /// It rings.
    Bell,
    /// A notification, as iTerm2 and others show them.
    Osc9,
    /// A notification, as urxvt, foot and others show them.
    Osc777,
}

impl AlertSignal {
    /// The word of the setting.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
        }
    }
}

/// All that is set of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// Of which jobs is told.
    pub jobs: AlertJobs,
    /// From so many percent on a quota is nearly full; `None`: quotas are not looked at.
    pub quota: Option<u64>,
    /// How the terminal tells.
    pub signals: Vec<AlertSignal>,
    /// Program and arguments to run at each; empty: none.
    pub command: Vec<String>,
    /// That program alters the cluster.
    pub changes: bool,
}

pub(super) fn jobs(value: Value) -> Result<AlertJobs, String> {
    let text = value.text()?;
    let all = [AlertJobs::Off, AlertJobs::Pinned, AlertJobs::Watched];
    all.into_iter()
        .find(|jobs| jobs.word() == text)
        .ok_or_else(|| format!("«{text}» is not one of off, pinned, watched"))
}

pub(super) fn quota(value: Value) -> Result<Option<u64>, String> {
    let text = value.text()?;
    if text == "off" {
        return Ok(None);
    }
    let percent = text.trim_end_matches('%').parse().ok().filter(|percent| (1..=100).contains(percent));
    percent.map(Some).ok_or_else(|| format!("«{text}» is neither off nor a number from 1 to 100"))
}

pub(super) fn signals(value: Value) -> Result<Vec<AlertSignal>, String> {
    let all = [AlertSignal::Bell, AlertSignal::Osc9, AlertSignal::Osc777];
    let named = |text: &String| {
        let signal = all.into_iter().find(|signal| signal.word() == text);
        signal.ok_or_else(|| format!("«{text}» is not one of bell, osc9, osc777"))
    };
    let texts = value.texts()?;
    texts.iter().filter(|text| !matches!(text.as_str(), "" | "off")).map(named).collect()
}

/// Program and arguments.
pub(super) fn command(value: Value) -> Result<Vec<String>, String> {
    let argv = value.texts()?;
    if argv.first().is_some_and(String::is_empty) { Err("names no program".to_owned()) } else { Ok(argv) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn words_are_read_and_others_refused_with_what_there_is() {
        assert_eq!(jobs(text("pinned")), Ok(AlertJobs::Pinned));
        assert_eq!(jobs(text("all")), Err("«all» is not one of off, pinned, watched".to_owned()));
        assert_eq!(
            [quota(text("80")), quota(text("95%")), quota(Value::Number(100))],
            [80, 95, 100].map(|n| Ok(Some(n)))
        );
        assert_eq!(quota(text("off")), Ok(None));
        assert!(quota(text("0")).is_err() && quota(text("101")).is_err() && quota(text("many")).is_err());
        assert_eq!(signals(text("bell, osc777")), Ok(vec![AlertSignal::Bell, AlertSignal::Osc777]));
        assert_eq!((signals(text("off")), signals(Value::Texts(Vec::new()))), (Ok(Vec::new()), Ok(Vec::new())));
        assert!(signals(text("horn")).is_err_and(|why| why.contains("«horn» is not one of bell")));
        assert!(command(Value::Texts(vec![String::new()])).is_err() && command(Value::Flag(true)).is_err());
    }
}
