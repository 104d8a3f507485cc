-- Settings of the HTTP endpoint: a value that can be no good is refused where it is set.
\set VERBOSITY default
alter system set dynamo.gateway_listen = '8000';
alter system set dynamo.gateway_listen = '127.0.0.1:http';
alter system set dynamo.gateway_listen = '127.0.0.1:0';
alter system set dynamo.gateway_listen = '127.0.0.1:65536';
alter system set dynamo.gateway_listen = '::1:8000';
alter system set dynamo.gateway_listen = '[::1:8000';
alter system set dynamo.gateway_listen = '127.0.0.1:8000,';
alter system set dynamo.gateway_listen = '';
alter system set dynamo.gateway_metrics_listen = 'localhost';
alter system set dynamo.gateway_database = '';
alter system set dynamo.gateway_pool_size = 3;
alter system set dynamo.gateway_auth = 'sigv2';
alter system set dynamo.gateway_log = 'verbose';
alter system set dynamo.gateway_log_format = 'xml';
alter system set dynamo.gateway_port = '8000';

alter system set dynamo.gateway_listen = 'localhost:8000, [::1]:8000';
alter system set dynamo.gateway_metrics_listen = '';
alter system reset dynamo.gateway_listen;
alter system reset dynamo.gateway_metrics_listen;

-- They belong to the server, not to a session; how the endpoint connects is for superusers to see.
set dynamo.gateway = on;
set dynamo.gateway_listen = '127.0.0.1:8000';
create role gateway_settings_reader;
set role gateway_settings_reader;
show dynamo.gateway_listen;
show dynamo.gateway_conninfo;
select name from pg_settings where name like 'dynamo.gateway%' order by name;
alter system set dynamo.gateway_role = 'postgres';
reset role;
drop role gateway_settings_reader;
