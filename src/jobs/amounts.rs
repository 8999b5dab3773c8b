//! Amounts by resource: how they are kept and written, and which resources are accelerators.
//!
//! Amounts are thousandths of the resource's unit (cores, bytes, devices), so that one type holds them all.

use std::collections::BTreeMap;

use super::{
    quantity::{Quantity, format_bytes, format_cpu},
    row::Requests,
    text::Sym,
};

/// Amounts in thousandths, by resource.
pub type ByResource = BTreeMap<Sym, u64>;

/// Reads an amount in thousandths; `None` if it is no quantity or below zero.
pub fn parse(text: &str) -> Option<u64> {
    Quantity::parse(text)?.milli()
}

/// An amount for people: bytes of memory and storage, cores, devices.
pub fn shown(resource: &str, milli: u64) -> String {
    if resource.contains("memory") || resource.contains("storage") || resource.contains("hugepages") {
        format_bytes(milli / 1000)
    } else {
        format_cpu(milli)
    }
}

/// Extended resources that stand for a device one computes on.
pub fn is_accelerator(resource: &str) -> bool {
    let Some((domain, device)) = resource.split_once('/') else { return false };
    device.starts_with("gpu")
        || domain == "gpu.intel.com"
        || device.starts_with("mig-")
        || device.starts_with("gaudi")
        || device.starts_with("neuron")
        || device.starts_with("tpu")
        || device.starts_with("Ascend")
}

/// What a resource is called where there is little room: `GPU` for the usual accelerators, else its own name.
pub fn short(resource: &str) -> &str {
    match resource {
        "nvidia.com/gpu" | "amd.com/gpu" | "gpu.intel.com/i915" | "gpu.intel.com/xe" => "GPU",
        other => other,
    }
}

/// Whole accelerators among some amounts.
pub fn gpus(amounts: &ByResource) -> u64 {
    amounts.iter().filter(|(resource, _)| is_accelerator(resource.as_str())).map(|(_, milli)| milli / 1000).sum()
}

/// Adds `more`, so many times.
pub fn add(sum: &mut ByResource, more: &ByResource, times: u64) {
    for (resource, milli) in more {
        let all = sum.entry(resource.clone()).or_default();
        *all = all.saturating_add(milli.saturating_mul(times));
    }
}

/// What a pod asks for, by resource; what it does not ask for is not there.
pub fn of_requests(requests: &Requests) -> ByResource {
    let mut out = ByResource::new();
    if requests.cpu_milli > 0 {
        out.insert(Sym::new("cpu"), requests.cpu_milli);
    }
    if requests.memory > 0 {
        out.insert(Sym::new("memory"), requests.memory.saturating_mul(1000));
    }
    if let Some(resource) = requests.gpu_resource.as_ref().filter(|_| requests.gpus > 0) {
        out.insert(resource.clone(), u64::from(requests.gpus) * 1000);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_and_write_by_resource() {
        assert_eq!((parse("500m"), parse("4"), parse("-1"), parse("x")), (Some(500), Some(4000), None, None));
        let words = [("cpu", 2500), ("memory", 16_000 << 30), ("nvidia.com/gpu", 32_000)];
        assert_eq!(words.map(|(r, n)| shown(r, n)), ["2.5", "16Gi", "32"].map(str::to_owned));
    }

    #[test]
    fn accelerators_count_whole() {
        let requests =
            Requests { gpus: 8, gpu_resource: Some(Sym::new("amd.com/gpu")), cpu_milli: 10, ..Requests::default() };
        let mut sum = ByResource::new();
        add(&mut sum, &of_requests(&requests), 3);
        assert_eq!((gpus(&sum), sum.get("cpu"), sum.get("memory")), (24, Some(&30), None));
        assert!(
            is_accelerator("nvidia.com/mig-1g.5gb") && !is_accelerator("example.com/license") && !is_accelerator("cpu")
        );
    }
}
