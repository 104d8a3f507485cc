SELECT add_one('Counter');
