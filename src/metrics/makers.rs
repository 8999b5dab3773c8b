//! The exporters of GPUs' numbers, by maker: how their series and labels are called.
//!
//! NVIDIA: dcgm-exporter (`etc/default-counters.csv`). AMD: ROCm/device-metrics-exporter
//! (`docs/configuration/metricslist.md`, `configmap.md`); its names have the prefix `amd_` where it is set, as its packages
//! do. `MI2xx` tells average power and edge temperature where `MI3xx` tells those of now and of the junction. Gaudi:
//! HabanaAI/gaudi-metric-exporter (`exporter.go`, `samples.go`), whose pods are `pod_name` in `pod_namespace`.

use crate::jobs::usage::Metric;

/// Mebibytes in bytes.
pub(super) const MIB: f64 = 1_048_576.0;

/// Makers of GPUs, by the resource that their pods ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Nvidia,
    Amd,
    Gaudi,
}

/// Labels of a namespace and of a pod.
type Names = (&'static str, &'static str);

impl Maker {
    pub(super) const ALL: [Self; 3] = [Self::Nvidia, Self::Amd, Self::Gaudi];

    /// Of a resource name; whoever asks for none is taken for the most usual one.
    pub(super) fn of(resource: &str) -> Self {
        Self::known(resource).unwrap_or(Self::Nvidia)
    }

    /// Of a resource name; others make GPUs, too.
    pub(super) fn known(resource: &str) -> Option<Self> {
        match resource.split_once('/')?.0 {
            "nvidia.com" => Some(Self::Nvidia),
            "amd.com" => Some(Self::Amd),
            "habana.ai" => Some(Self::Gaudi),
            _ => None,
        }
    }

    /// The series without which its exporter isn't there: an expression for names where it has several.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Nvidia => "DCGM_FI_DEV_GPU_UTIL",
            Self::Amd => "(amd_)?gpu_gfx_activity",
            Self::Gaudi => "habanalabs_utilization",
        }
    }

    /// The same for people.
    pub(super) const fn sign_in_words(self) -> &'static str {
        match self {
            Self::Amd => "gpu_gfx_activity",
            Self::Nvidia | Self::Gaudi => self.sign(),
        }
    }

    /// The series of a metric, by its name or an expression for it, and what its values are to be multiplied by.
    pub(super) const fn series(self, metric: Metric) -> Option<(&'static str, f64)> {
        Some(match (self, metric) {
            (_, Metric::Gpu) => (self.sign(), 1.0),
            (Self::Nvidia, Metric::GpuMemory) => ("DCGM_FI_DEV_FB_USED", MIB),
            (Self::Nvidia, Metric::Power) => ("DCGM_FI_DEV_POWER_USAGE", 1.0),
            (Self::Nvidia, Metric::Temperature) => ("DCGM_FI_DEV_GPU_TEMP", 1.0),
            (Self::Nvidia, Metric::Xid) => ("DCGM_FI_DEV_XID_ERRORS", 1.0),
            (Self::Nvidia, Metric::Throttle) => ("DCGM_FI_DEV_THERMAL_VIOLATION", 1e-9),
            (Self::Amd, Metric::GpuMemory) => ("(amd_)?gpu_used_vram", MIB),
            (Self::Amd, Metric::GpuMemoryTotal) => ("(amd_)?gpu_total_vram", MIB),
            (Self::Amd, Metric::Power) => ("(amd_)?gpu_(average_)?package_power", 1.0),
            (Self::Amd, Metric::Temperature) => ("(amd_)?gpu_(junction|edge)_temperature", 1.0),
            (Self::Gaudi, Metric::GpuMemory) => ("habanalabs_memory_used_bytes", 1.0),
            (Self::Gaudi, Metric::GpuMemoryTotal) => ("habanalabs_memory_total_bytes", 1.0),
            (Self::Gaudi, Metric::Power) => ("habanalabs_power_mW", 0.001),
            (Self::Gaudi, Metric::Temperature) => ("habanalabs_temperature_onchip", 1.0),
            _ => return None,
        })
    }

    /// What its exporter is called.
    pub(super) const fn exporter(self) -> &'static str {
        match self {
            Self::Nvidia => "DCGM exporter",
            Self::Amd => "AMD device metrics exporter",
            Self::Gaudi => "Gaudi metric exporter",
        }
    }

    /// What tells the GPUs of a pod apart: a pod has one host, so that hosts need not be told.
    pub(super) const fn whole(self) -> &'static str {
        match self {
            Self::Nvidia => "gpu",
            Self::Amd => "gpu_id",
            Self::Gaudi => "id",
        }
    }

    /// What tells their parts apart: instances under MIG, partitions.
    pub(super) const fn part(self) -> &'static str {
        match self {
            Self::Nvidia => "gpu,GPU_I_ID",
            Self::Amd => "gpu_id,gpu_partition_id",
            Self::Gaudi => "id",
        }
    }

    /// The label of what kind a part is, if there is one.
    pub(super) const fn profile(self) -> Option<&'static str> {
        match self {
            Self::Nvidia => Some("GPU_I_PROFILE"),
            Self::Amd | Self::Gaudi => None,
        }
    }

    /// What tells all parts of all GPUs of a cluster apart.
    pub(super) const fn unique(self) -> &'static str {
        match self {
            Self::Nvidia => "UUID,GPU_I_ID",
            Self::Amd => "serial_number,gpu_id,gpu_partition_id",
            Self::Gaudi => "UUID",
        }
    }

    /// The label of its model, if there is one.
    pub(super) const fn model(self) -> Option<&'static str> {
        match self {
            Self::Nvidia => Some("modelName"),
            Self::Amd => Some("card_model"),
            Self::Gaudi => None,
        }
    }

    /// Under which labels the pod that has a GPU is found. Where Prometheus keeps `pod` for the exporter's own
    /// (`honorLabels: false`, the GPU operator's default), it is `exported_pod`.
    pub(super) const fn names(self) -> &'static [Names] {
        const USUAL: [Names; 2] = [("exported_namespace", "exported_pod"), ("namespace", "pod")];
        match self {
            Self::Nvidia | Self::Amd => &USUAL,
            Self::Gaudi => &[("pod_namespace", "pod_name"), USUAL[0], USUAL[1]],
        }
    }
}

/// A series with these labels; its name may be an expression.
pub(super) fn selector(series: &str, labels: &str) -> String {
    if !series.contains(['(', '|', '?']) {
        return format!("{series}{{{labels}}}");
    }
    let comma = if labels.is_empty() { "" } else { "," };
    format!("{{__name__=~\"{series}\"{comma}{labels}}}")
}

/// Whose GPUs are told of as `pod`. Where nobody has one, the exporter's own pod may stand in its place.
pub(super) const OWN_POD: &str = "exported_pod=\"\",pod!=\"\",pod!~\".*(exporter|dcgm|metrics).*\"";

/// Something of all GPUs of a maker that pods have, by `namespace` and `pod`, under whichever names they have.
pub(super) fn of_pods(maker: Maker, of: impl Fn(&str) -> String) -> String {
    let one = |(space, pod): &Names| {
        if *pod == "pod" {
            return of(OWN_POD);
        }
        let renamed = format!("label_replace({},\"pod\",\"$1\",\"{pod}\",\"(.+)\")", of(&format!("{pod}!=\"\"")));
        format!("label_replace({renamed},\"namespace\",\"$1\",\"{space}\",\"(.+)\")")
    };
    maker.names().iter().map(one).collect::<Vec<_>>().join(" or ")
}

/// A series of the GPUs that any pod has.
pub(super) fn held(maker: Maker, series: &str) -> String {
    let one = |(_, pod): &Names| match *pod {
        "pod" => selector(series, OWN_POD),
        other => selector(series, &format!("{other}!=\"\"")),
    };
    maker.names().iter().map(one).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_known_by_their_resources() {
        let makers = ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "habana.ai/gaudi", ""].map(Maker::of);
        assert_eq!(makers, [Maker::Nvidia, Maker::Nvidia, Maker::Amd, Maker::Gaudi, Maker::Nvidia]);
    }

    #[test]
    fn a_name_that_is_an_expression_is_matched_as_one() {
        assert_eq!(selector("up", "a=\"b\""), "up{a=\"b\"}");
        assert_eq!(selector("(amd_)?x", "a=\"b\""), "{__name__=~\"(amd_)?x\",a=\"b\"}");
        assert_eq!(selector("(amd_)?x", ""), "{__name__=~\"(amd_)?x\"}");
    }
}
