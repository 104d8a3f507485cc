//! Keys as stored: (pk_hash, pk, sk), compared with memcmp.
use crate::json::write_string;
use crate::limits::{MAX_PARTITION_KEY, MAX_SORT_KEY};
use crate::table::{KeyAttribute, KeySchema, ScalarType};
use crate::value::json::write_item;
use crate::value::{Attributes, Av, Item, ItemBuf, Number, Value, ValueType};
use crate::{ApiError, Result};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Partition keys up to this many bytes are stored as they are.
const MAX_INLINE: usize = 255;
/// First byte of `pk`: the key itself follows, or its SHA-256.
const INLINE: u8 = 0x00;
const DIGEST: u8 = 0x01;

/// pk_hash = xxh3_64 of the untagged key bytes with the sign bit flipped so that i64 order = u64 order.
/// pk = 0x00 key-bytes, or 0x01 sha256(key bytes) when the key bytes exceed 255.
/// sk = key bytes (S: UTF-8, B: raw, N: Number::write_key), empty when the table has no sort key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredKey {
    pub pk_hash: i64,
    pub pk: Vec<u8>,
    pub sk: Vec<u8>,
}

/// `pk_hash` of a partition key's bytes. Stable forever.
pub fn partition_hash(key: &[u8]) -> i64 {
    (xxh3_64(key) ^ (1 << 63)) as i64
}

/// A hash of any bytes that never changes: names and hash indexes are built on it.
pub fn stable_hash(bytes: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// Key bytes of a scalar S, N or B. Err when the value has another type.
pub fn key_bytes(v: Av<'_>) -> Result<Vec<u8>> {
    match v.value_type()? {
        // The stored payloads are key bytes already.
        ValueType::S | ValueType::N | ValueType::B => Ok(v.payload().to_vec()),
        other => Err(ApiError::validation(format!(
            "A key cannot be of type {}",
            other.name()
        ))),
    }
}

/// Hashes names and texts for maps that live in memory: short ones in a few instructions.
#[derive(Clone, Default)]
pub struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// What ends a string.
    fn write_u8(&mut self, end: u8) {
        self.0 = self.0.wrapping_add(end.into());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map by names or texts.
pub type NameMap<T> = HashMap<String, T, BuildHasherDefault<NameHasher>>;

impl StoredKey {
    /// From key bytes (untagged); `sk` empty when the table has no sort key.
    pub fn from_key_bytes(partition: &[u8], sort: &[u8]) -> StoredKey {
        let mut pk = Vec::with_capacity(1 + partition.len().min(MAX_INLINE));
        if partition.len() > MAX_INLINE {
            pk.push(DIGEST);
            pk.extend_from_slice(&Sha256::digest(partition));
        } else {
            pk.push(INLINE);
            pk.extend_from_slice(partition);
        }
        StoredKey {
            pk_hash: partition_hash(partition),
            pk,
            sk: sort.to_vec(),
        }
    }

    /// From a whole item (stored bytes). None when a key attribute is missing, wrongly typed, empty or too long.
    pub fn of_item(item: Item<'_>, schema: &KeySchema) -> Result<Option<StoredKey>> {
        Ok(item_key(item, schema)?.map(|(pk, sk)| StoredKey::from_key_bytes(pk, sk)))
    }

    /// As [`StoredKey::of_item`].
    pub fn of_attributes(attributes: &Attributes, schema: &KeySchema) -> Option<StoredKey> {
        let part = |key: &KeyAttribute, longest: usize| -> Option<Cow<'_, [u8]>> {
            let bytes = match (key.scalar, attributes.get(&key.name)?) {
                (ScalarType::S, Value::S(s)) => Cow::Borrowed(s.as_bytes()),
                (ScalarType::B, Value::B(b)) => Cow::Borrowed(b.as_slice()),
                (ScalarType::N, Value::N(n)) => {
                    let mut bytes = Vec::new();
                    n.write_key(&mut bytes);
                    Cow::Owned(bytes)
                }
                _ => return None,
            };
            (1..=longest).contains(&bytes.len()).then_some(bytes)
        };
        let partition = part(&schema.partition, MAX_PARTITION_KEY)?;
        let sort = match &schema.sort {
            Some(key) => part(key, MAX_SORT_KEY)?,
            None => Cow::Borrowed(&[][..]),
        };
        Some(StoredKey::from_key_bytes(&partition, &sort))
    }

    /// The partition key, and the whole key where there is a sort key, as DynamoDB JSON, to be shown. Of a partition
    /// key over 255 bytes only a digest is stored: it stands in the place of the value.
    pub fn describe(&self, schema: &KeySchema) -> Result<(String, Option<String>)> {
        let mut json = String::from("{");
        write_string(&mut json, &schema.partition.name);
        json.push(':');
        match self.pk.split_first() {
            Some((&INLINE, bytes)) => describe_part(&mut json, schema.partition.scalar, bytes)?,
            _ => {
                let digest: String = self.pk.iter().skip(1).map(|b| format!("{b:02x}")).collect();
                json.push_str(&format!("{{\"SHA256\":\"{digest}\"}}"));
            }
        }
        let partition = format!("{json}}}");
        let Some(sort) = &schema.sort else {
            return Ok((partition, None));
        };
        json.push(',');
        write_string(&mut json, &sort.name);
        json.push(':');
        describe_part(&mut json, sort.scalar, &self.sk)?;
        json.push('}');
        Ok((partition, Some(json)))
    }

    /// Whether these are the columns of `item`'s key; false when the item has no valid key. Never
    /// allocates; hashes with SHA-256 only when the key is long. For the last check on every row.
    pub fn matches_item(
        pk_hash: i64,
        pk: &[u8],
        sk: &[u8],
        item: Item<'_>,
        schema: &KeySchema,
    ) -> Result<bool> {
        let Some((partition, sort)) = item_key(item, schema)? else {
            return Ok(false);
        };
        Ok(matches_partition(pk, partition) && sk == sort && pk_hash == partition_hash(partition))
    }
}

fn describe_part(json: &mut String, scalar: ScalarType, bytes: &[u8]) -> Result<()> {
    let value = match scalar {
        ScalarType::S => Value::S(String::from_utf8_lossy(bytes).into_owned()),
        ScalarType::N => Value::N(Number::from_key(bytes)?),
        ScalarType::B => Value::B(bytes.to_vec()),
    };
    let mut written = String::new();
    let attributes = Attributes::from([("v".to_owned(), value)]);
    write_item(
        &mut written,
        ItemBuf::from_attributes(&attributes).as_item(),
    )?;
    // {"v":{"S":"x"}} without what stands around the value.
    json.push_str(written.get(5..written.len() - 1).unwrap_or_default());
    Ok(())
}

/// Whether `pk` is the stored form of the key bytes `partition`.
pub(crate) fn matches_partition(pk: &[u8], partition: &[u8]) -> bool {
    match pk.split_first() {
        Some((&INLINE, stored)) => stored == partition && partition.len() <= MAX_INLINE,
        Some((&DIGEST, stored)) => {
            partition.len() > MAX_INLINE && stored == Sha256::digest(partition).as_slice()
        }
        _ => false,
    }
}

/// Untagged key bytes of a stored item: partition and sort (empty when the table has none).
fn item_key<'a>(item: Item<'a>, schema: &KeySchema) -> Result<Option<(&'a [u8], &'a [u8])>> {
    let Some(partition) = item_part(item, &schema.partition, MAX_PARTITION_KEY)? else {
        return Ok(None);
    };
    let sort = match &schema.sort {
        Some(key) => item_part(item, key, MAX_SORT_KEY)?,
        None => Some(&[][..]),
    };
    Ok(sort.map(|sort| (partition, sort)))
}

/// Key bytes of one attribute. None when it is missing, wrongly typed, empty or longer than `longest`.
pub(crate) fn item_part<'a>(
    item: Item<'a>,
    key: &KeyAttribute,
    longest: usize,
) -> Result<Option<&'a [u8]>> {
    let Some(value) = item.get(&key.name)? else {
        return Ok(None);
    };
    let wanted = match key.scalar {
        ScalarType::S => ValueType::S,
        ScalarType::N => ValueType::N,
        ScalarType::B => ValueType::B,
    };
    let bytes = value.payload();
    let fits = value.value_type()? == wanted && (1..=longest).contains(&bytes.len());
    Ok(fits.then_some(bytes))
}
