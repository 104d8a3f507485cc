//! From a change of a row to a record of the API.
use super::Position;
use crate::json::write_string;
use crate::key::stable_hash;
use crate::table::{KeySchema, StreamView};
use crate::value::json::write_item;
use crate::value::{Av, Item, ItemBuf};
use crate::{ApiError, Result};

/// eventVersion of records in this form.
const VERSION: &str = "1.1";
/// Who deletes what has expired, as a record names it.
const SERVICE: &str = "dynamodb.amazonaws.com";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Insert,
    Modify,
    Remove,
    /// A removal because the item's time had come.
    Expire,
}

impl Event {
    /// eventName.
    pub fn name(self) -> &'static str {
        match self {
            Event::Insert => "INSERT",
            Event::Modify => "MODIFY",
            Event::Remove | Event::Expire => "REMOVE",
        }
    }

    /// As it is stored.
    pub fn code(self) -> u8 {
        match self {
            Event::Insert => b'I',
            Event::Modify => b'M',
            Event::Remove => b'R',
            Event::Expire => b'X',
        }
    }

    pub fn from_code(code: u8) -> Option<Event> {
        [Event::Insert, Event::Modify, Event::Remove, Event::Expire]
            .into_iter()
            .find(|event| event.code() == code)
    }
}

/// A row before or after a change.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub pk_hash: i64,
    pub item: Item<'a>,
}

/// What is kept of one change: the images that the view asks for, and the key where none of them has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    pub event: Event,
    /// Of its partition key: decides the shard.
    pub pk_hash: i64,
    pub keys: Option<ItemBuf>,
    pub new_image: Option<Item<'a>>,
    pub old_image: Option<Item<'a>>,
}

/// What a change of a row is to a stream: nothing when the item did not change, two changes when it got another key.
/// Err: a row without a valid key (corrupt).
pub fn changes<'a>(
    view: StreamView,
    schema: &KeySchema,
    old: Option<Row<'a>>,
    new: Option<Row<'a>>,
) -> Result<Vec<Change<'a>>> {
    let one = |event, old, new| Change::of(view, schema, event, old, new);
    Ok(match (old, new) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![one(Event::Insert, None, new)?],
        (Some(_), None) => vec![one(Event::Remove, old, None)?],
        // Equal items have equal bytes.
        (Some(o), Some(n)) if o.item == n.item => Vec::new(),
        (Some(o), Some(n)) if same_key(o.item, n.item, schema)? => {
            vec![one(Event::Modify, old, new)?]
        }
        (Some(_), Some(_)) => vec![
            one(Event::Remove, old, None)?,
            one(Event::Insert, None, new)?,
        ],
    })
}

fn key_value<'a>(item: Item<'a>, name: &str) -> Result<Av<'a>> {
    let value = item.get(name)?;
    value.ok_or_else(|| ApiError::corrupt("key of an item in the log"))
}

fn same_key(one: Item<'_>, other: Item<'_>, schema: &KeySchema) -> Result<bool> {
    for key in schema.attributes() {
        if key_value(one, &key.name)? != key_value(other, &key.name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The key attributes of an item, as an item.
fn keys(item: Item<'_>, schema: &KeySchema) -> Result<ItemBuf> {
    let mut parts = Vec::with_capacity(2);
    for key in schema.attributes() {
        parts.push((key.name.as_str(), key_value(item, &key.name)?));
    }
    ItemBuf::from_parts(&mut parts)
}

impl<'a> Change<'a> {
    fn of(
        view: StreamView,
        schema: &KeySchema,
        event: Event,
        old: Option<Row<'a>>,
        new: Option<Row<'a>>,
    ) -> Result<Change<'a>> {
        let row = new.or(old);
        let row = row.ok_or_else(|| ApiError::corrupt("change without a row"))?;
        let shown = |row: Option<Row<'a>>, wanted: bool| row.filter(|_| wanted).map(|row| row.item);
        let new_image = shown(new, view.has_new_image());
        let old_image = shown(old, view.has_old_image());
        let keys = match (new_image, old_image) {
            (None, None) => Some(keys(row.item, schema)?),
            _ => None,
        };
        Ok(Change {
            event,
            pk_hash: row.pk_hash,
            keys,
            new_image,
            old_image,
        })
    }
}

impl StreamView {
    pub fn has_new_image(self) -> bool {
        matches!(self, StreamView::NewImage | StreamView::NewAndOldImages)
    }
    pub fn has_old_image(self) -> bool {
        matches!(self, StreamView::OldImage | StreamView::NewAndOldImages)
    }
}

/// What all records of a stream have in common.
#[derive(Clone, Debug)]
pub struct Origin {
    pub stream_arn: String,
    pub region: String,
    pub view: StreamView,
    pub schema: KeySchema,
}

/// A change in its place.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub position: Position,
    /// Epoch milliseconds of the commit.
    pub created_at: i64,
    pub event: Event,
    /// Of no image that is there: the key alone.
    pub keys: Option<Item<'a>>,
    pub new_image: Option<Item<'a>>,
    pub old_image: Option<Item<'a>>,
}

impl Record<'_> {
    /// The key attributes, from whatever image there is.
    pub fn keys(&self, schema: &KeySchema) -> Result<ItemBuf> {
        let image = self.keys.or(self.new_image).or(self.old_image);
        keys(
            image.ok_or_else(|| ApiError::corrupt("record without an image"))?,
            schema,
        )
    }

    /// Appends the Record as JSON; answers its SizeBytes: keys and images as items are counted.
    pub fn write(&self, out: &mut String, origin: &Origin) -> Result<usize> {
        let keys = self.keys(&origin.schema)?;
        let images = [self.new_image, self.old_image];
        let size = images
            .iter()
            .flatten()
            .fold(keys.as_item().size(), |sum, image| sum + image.size());
        let sequence = self.position.to_string();
        out.push_str("{\"eventID\":\"");
        out.push_str(&event_id(&origin.stream_arn, &sequence));
        out.push_str("\",\"eventName\":\"");
        out.push_str(self.event.name());
        out.push_str("\",\"eventVersion\":\"");
        out.push_str(VERSION);
        out.push_str("\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":");
        write_string(out, &origin.region);
        // Whole seconds, as the service rounds them.
        out.push_str(",\"dynamodb\":{\"ApproximateCreationDateTime\":");
        out.push_str(&self.created_at.div_euclid(1000).to_string());
        out.push_str(",\"Keys\":");
        write_item(out, keys.as_item())?;
        for (name, image) in ["NewImage", "OldImage"].iter().zip(images) {
            if let Some(image) = image {
                out.push_str(",\"");
                out.push_str(name);
                out.push_str("\":");
                write_item(out, image)?;
            }
        }
        out.push_str(",\"SequenceNumber\":\"");
        out.push_str(&sequence);
        out.push_str("\",\"SizeBytes\":");
        out.push_str(&size.to_string());
        out.push_str(",\"StreamViewType\":\"");
        out.push_str(origin.view.name());
        out.push_str("\"}");
        if self.event == Event::Expire {
            out.push_str(",\"userIdentity\":{\"PrincipalId\":\"");
            out.push_str(SERVICE);
            out.push_str("\",\"Type\":\"Service\"}");
        }
        out.push('}');
        Ok(size)
    }

    /// Appends the Record with the ARN of its stream, as functions are given it: for who reads several streams as one.
    pub fn write_event(&self, out: &mut String, origin: &Origin) -> Result<()> {
        self.write(out, origin)?;
        out.pop();
        out.push_str(",\"eventSourceARN\":");
        write_string(out, &origin.stream_arn);
        out.push('}');
        Ok(())
    }
}

/// 32 hexadecimal digits, the same whenever the record is read.
fn event_id(arn: &str, sequence: &str) -> String {
    let bytes = [arn.as_bytes(), b"|", sequence.as_bytes()].concat();
    format!(
        "{:016x}{:016x}",
        stable_hash(&bytes, 1),
        stable_hash(&bytes, 2)
    )
}
