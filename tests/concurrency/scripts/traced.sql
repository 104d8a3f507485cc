SELECT add_one('Traced');
