//! The things that are measured of a replica: what they are called, in which unit they are, how they are written.

use crate::jobs::quantity::format_bytes;

/// Something that is measured of a replica. The unit is the one in which values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Mean utilisation of its GPUs, percent.
    #[default]
    Gpu,
    /// Memory used on its GPUs, bytes.
    GpuMemory,
    /// What its GPUs draw, watts.
    Power,
    /// The hottest of its GPUs, degrees Celsius.
    Temperature,
    /// CPU, cores.
    Cpu,
    /// Memory (working set), bytes.
    Memory,
    /// Received, bytes a second.
    NetIn,
    /// Sent, bytes a second.
    NetOut,
    /// Memory that its GPUs have, bytes.
    GpuMemoryTotal,
    /// The last Xid error of its GPUs; 0 for none.
    Xid,
    /// Share of the time in which its GPUs were slowed down for heat.
    Throttle,
}

/// How values of several replicas make one of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// They are added.
    Added,
    /// Their mean counts.
    Mean,
    /// The highest counts.
    Highest,
}

impl Metric {
    /// All, in the order of the tab.
    pub const ALL: [Self; 11] = [
        Self::Gpu,
        Self::GpuMemory,
        Self::Power,
        Self::Temperature,
        Self::Cpu,
        Self::Memory,
        Self::NetIn,
        Self::NetOut,
        Self::GpuMemoryTotal,
        Self::Xid,
        Self::Throttle,
    ];

    /// Those that are shown; the others are for flags and shares.
    pub const SHOWN: [Self; 8] = [
        Self::Gpu,
        Self::GpuMemory,
        Self::Power,
        Self::Temperature,
        Self::Cpu,
        Self::Memory,
        Self::NetIn,
        Self::NetOut,
    ];

    /// Its place in [`Metric::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its heading.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Gpu => "GPU",
            Self::GpuMemory => "GPU-MEM",
            Self::Power => "POWER",
            Self::Temperature => "TEMP",
            Self::Cpu => "CPU",
            Self::Memory => "MEMORY",
            Self::NetIn => "NET-IN",
            Self::NetOut => "NET-OUT",
            Self::GpuMemoryTotal => "GPU-MEM-TOTAL",
            Self::Xid => "XID",
            Self::Throttle => "THROTTLE",
        }
    }

    /// What it is, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gpu => "GPU utilisation",
            Self::GpuMemory => "GPU memory",
            Self::Power => "GPU power",
            Self::Temperature => "GPU temperature",
            Self::Cpu => "CPU cores",
            Self::Memory => "memory",
            Self::NetIn => "network in",
            Self::NetOut => "network out",
            Self::GpuMemoryTotal => "GPU memory in all",
            Self::Xid => "Xid errors",
            Self::Throttle => "thermal throttling",
        }
    }

    /// Its name for scripts, with the unit.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Gpu => "gpuUtilization",
            Self::GpuMemory => "gpuMemoryBytes",
            Self::Power => "gpuPowerWatts",
            Self::Temperature => "gpuTemperatureCelsius",
            Self::Cpu => "cpuCores",
            Self::Memory => "memoryBytes",
            Self::NetIn => "networkInBytesPerSecond",
            Self::NetOut => "networkOutBytesPerSecond",
            Self::GpuMemoryTotal => "gpuMemoryTotalBytes",
            Self::Xid => "gpuXidError",
            Self::Throttle => "gpuThermalThrottle",
        }
    }

    /// Whether it is one of GPUs.
    pub const fn is_of_gpus(self) -> bool {
        !matches!(self, Self::Cpu | Self::Memory | Self::NetIn | Self::NetOut)
    }

    /// How replicas make a job.
    pub const fn sum(self) -> Sum {
        match self {
            Self::Gpu | Self::Throttle => Sum::Mean,
            Self::Temperature | Self::Xid => Sum::Highest,
            _ => Sum::Added,
        }
    }

    /// The value for people, at most seven characters.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Gpu => format!("{}%", value.round()),
            Self::Throttle => format!("{}%", (value * 100.0).round()),
            Self::Power if value >= 10_000.0 => format!("{}kW", tenths(value / 1000.0)),
            Self::Power => format!("{}W", value.round()),
            Self::Temperature => format!("{}C", value.round()),
            Self::Cpu if value >= 100.0 => format!("{}", value.round()),
            Self::Cpu => tenths(value),
            Self::Memory | Self::GpuMemory | Self::GpuMemoryTotal => format_bytes(value.max(0.0) as u64),
            Self::NetIn | Self::NetOut => rate(value.max(0.0)),
            Self::Xid => format!("{}", value.round()),
        }
    }
}

/// Bytes a second: three digits, or two with a tenth.
fn rate(mut value: f64) -> String {
    let mut unit = "B";
    for larger in ["Ki", "Mi", "Gi", "Ti"] {
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    let number = if value < 99.95 { tenths(value) } else { format!("{}", value.round()) };
    format!("{number}{unit}/s")
}

fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_place_and_its_own_words() {
        for (at, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric.index(), at);
        }
        for words in [Metric::short, Metric::title, Metric::key] {
            let mut all: Vec<_> = Metric::ALL.into_iter().map(words).collect();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), Metric::ALL.len());
        }
    }

    #[test]
    fn values_are_short() {
        let texts = [
            (Metric::Gpu, 97.4, "97%"),
            (Metric::GpuMemory, 71_234.0 * 1_048_576.0, "69.5Gi"),
            (Metric::Power, 389.5, "390W"),
            (Metric::Power, 12_345.0, "12.3kW"),
            (Metric::Cpu, 3.96, "4"),
            (Metric::Cpu, 0.25, "0.2"),
            (Metric::NetIn, 1.5 * 1_073_741_824.0, "1.5Gi/s"),
            (Metric::NetIn, 129_433.0, "126Ki/s"),
            (Metric::NetIn, 1_048_570.0, "1Mi/s"),
            (Metric::NetIn, 400.4, "400B/s"),
            (Metric::Throttle, 0.25, "25%"),
        ];
        for (metric, value, text) in texts {
            assert_eq!(metric.text(value), text, "{metric:?}");
        }
        for metric in Metric::SHOWN {
            for value in [0.0, 0.4, 99.6, 1023.9, 1e6, 1e9, 3e12] {
                let fits = metric.text(value).len() <= 8 || !matches!(metric, Metric::NetIn | Metric::NetOut);
                assert!(fits, "{metric:?} {value}");
            }
        }
    }
}
