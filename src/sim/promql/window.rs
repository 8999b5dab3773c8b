//! Functions of the samples in a window: rates with Prometheus' extrapolation, and what happened over time.

/// A window: its samples (none of them a stale mark), and where it begins and ends in milliseconds.
pub(super) struct Window<'s> {
    pub(super) samples: &'s [(i64, f64)],
    pub(super) from: i64,
    pub(super) until: i64,
}

/// A function's name, and what it makes of a window; `None`: nothing can be said.
type Row = (&'static str, fn(&Window<'_>) -> Option<f64>);

const FUNCTIONS: &[Row] = &[
    ("rate", |w| w.extrapolated(true).map(|n| n / w.seconds())),
    ("increase", |w| w.extrapolated(true)),
    ("delta", |w| w.extrapolated(false)),
    ("irate", |w| w.last_two().map(|(time, before, last)| (if last < before { last } else { last - before }) / time)),
    ("idelta", |w| w.last_two().map(|(_, before, last)| last - before)),
    ("avg_over_time", |w| w.some().map(|n| w.values().sum::<f64>() / n)),
    ("sum_over_time", |w| w.some().map(|_| w.values().sum())),
    ("count_over_time", |w| w.some()),
    ("min_over_time", |w| w.values().reduce(f64::min)),
    ("max_over_time", |w| w.values().reduce(f64::max)),
    ("last_over_time", |w| w.values().last()),
    ("present_over_time", |w| w.some().map(|_| 1.0)),
    ("stddev_over_time", |w| w.variance().map(f64::sqrt)),
    ("stdvar_over_time", |w| w.variance()),
    ("changes", |w| w.some().map(|_| w.pairs(|before, after| before.total_cmp(&after).is_ne()))),
    ("resets", |w| w.some().map(|_| w.pairs(|before, after| after < before))),
];

/// The function of this name.
pub(super) fn function(name: &str) -> Option<fn(&Window<'_>) -> Option<f64>> {
    FUNCTIONS.iter().find(|(n, _)| *n == name).map(|(_, function)| *function)
}

impl Window<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|(_, value)| *value)
    }

    /// How many samples there are, if any.
    fn some(&self) -> Option<f64> {
        (!self.samples.is_empty()).then_some(self.samples.len() as f64)
    }

    fn seconds(&self) -> f64 {
        (self.until - self.from) as f64 / 1000.0
    }

    /// In how many pairs of neighbours something holds.
    fn pairs(&self, holds: impl Fn(f64, f64) -> bool) -> f64 {
        self.samples.windows(2).filter(|pair| matches!(pair, [(_, a), (_, b)] if holds(*a, *b))).count() as f64
    }

    fn variance(&self) -> Option<f64> {
        let n = self.some()?;
        let mean = self.values().sum::<f64>() / n;
        Some(self.values().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
    }

    /// Seconds between the last two samples, and their values.
    fn last_two(&self) -> Option<(f64, f64, f64)> {
        let [.., (earlier, before), (later, last)] = self.samples else { return None };
        (later > earlier).then(|| ((later - earlier) as f64 / 1000.0, *before, *last))
    }

    /// What is between the first and the last sample, stretched to the edges of the window: wholly where the next sample
    /// could have been beyond the edge, by half an interval where it is missing, and never to below zero.
    fn extrapolated(&self, counter: bool) -> Option<f64> {
        let ([(first_at, first), .., (last_at, last)], n) = (self.samples, self.samples.len() as f64) else {
            return None;
        };
        let mut change = last - first;
        if counter {
            let resets = self.samples.windows(2).map(|pair| match pair {
                [(_, before), (_, after)] if after < before => *before,
                _ => 0.0,
            });
            change += resets.sum::<f64>();
        }
        let seconds = |from: i64, until: i64| (until - from) as f64 / 1000.0;
        let sampled = seconds(*first_at, *last_at);
        if sampled <= 0.0 {
            return None;
        }
        let average = sampled / (n - 1.0);
        let near = |edge: f64| if edge >= average * 1.1 { average / 2.0 } else { edge };
        let (mut start, end) = (near(seconds(self.from, *first_at)), near(seconds(*last_at, self.until)));
        if counter && change > 0.0 && *first >= 0.0 {
            start = start.min(sampled * (first / change));
        }
        Some(change * (sampled + start + end) / sampled)
    }
}

/// The `q`-quantile of some values, between two neighbours in proportion.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let value = |at: f64| values.get(at as usize).or(values.last()).copied().unwrap_or(f64::NAN);
    let share = rank - rank.floor();
    value(rank.floor()) * (1.0 - share) + value(rank.ceil()) * share
}
