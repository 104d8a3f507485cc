//! `dynamo.attribute_value` and `dynamo.item` as SQL sees them.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    #[pg_test]
    fn types_item_text_form_is_dynamodb_json() {
        let text = Spi::get_one::<String>(
            r#"SELECT ('{"b":{"N":"1.50"},"a":{"S":"x"}}'::dynamo.item)::text"#,
        );
        assert_eq!(
            text,
            Ok(Some(r#"{"a":{"S":"x"},"b":{"N":"1.5"}}"#.to_owned()))
        );
    }
}
