SELECT add_one('Patient');
