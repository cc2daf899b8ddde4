-- Run by the Postgres image when its volume is new.
CREATE DATABASE catalog OWNER tiled;
CREATE DATABASE storage OWNER tiled;
