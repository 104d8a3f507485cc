//! DescribeEndpoints.
use super::shape::{self, Structure};
use crate::Result;
use crate::json::{Json, write_string};

const SHAPE: Structure = Structure {
    class: "DescribeEndpointsRequest",
    members: &[],
};

/// Err: SerializationException.
pub fn check_describe_endpoints(request: &Json<'_>) -> Result<()> {
    shape::check(&SHAPE, request)
}

/// `address`: "host:port" of the endpoint. Clients that discover endpoints ask again after a day.
pub fn describe_endpoints_reply(address: &str) -> String {
    let mut out = String::from("{\"Endpoints\":[{\"Address\":");
    write_string(&mut out, address);
    out.push_str(",\"CachePeriodInMinutes\":1440}]}");
    out
}
