-- One page of one category, in the order of ids.
create index if not exists products_category_id_id on apitop_demo.products (category_id, id);

-- Search by the beginnings of words; works without any extension.
create index if not exists products_name_words on apitop_demo.products
	using gin (to_tsvector('simple', name)) with (fastupdate = off);
