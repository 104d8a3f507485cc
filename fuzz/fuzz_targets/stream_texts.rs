#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pg_dynamo_core::fuzz::stream_texts(data));
