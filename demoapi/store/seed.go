package store

import (
	"context"
	_ "embed" // for the SQL files
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed schema.sql
var schemaSQL string

//go:embed indexes.sql
var indexesSQL string

// seedTimeout bounds the whole seeding, waiting for another process included.
const seedTimeout = 60 * time.Second

// seedLock is the advisory lock of seeding: "apitop" in ASCII.
const seedLock = 0x617069746f70

const (
	seedCategoriesSQL = `insert into apitop_demo.categories (id, name)
select g, ($1::text[])[g] from generate_series(1, cardinality($1::text[])) g
on conflict do nothing`
	// Arrays count from 1. Only what is missing at the end is made, so that a
	// second run costs nothing and changes nothing.
	seedProductsSQL = `insert into apitop_demo.products (id, sku, name, category_id, price_cents, stock, description)
select g, 'SKU-' || lpad(g::text, greatest(6, length(g::text)), '0'),
	material || ' ' || noun || ' ' || g,
	1 + g % cardinality($1::text[]), 199 + g * 7919 % 19800, 1000 + g * 37 % 9000,
	'A ' || lower(noun) || ' of ' || lower(material) || ', made in our own workshop in small numbers,'
		' delivered within three days and taken back within a hundred. Article ' || g || '.'
from generate_series((select coalesce(max(id), 0) + 1 from apitop_demo.products), $3::bigint) g,
	lateral (select ($1::text[])[1 + g % cardinality($1::text[])] as noun,
		($2::text[])[1 + g / cardinality($1::text[]) % cardinality($2::text[])] as material) w`
	categoryKeySQL = `do $$ begin
	if not exists (select from pg_constraint where conrelid = 'apitop_demo.products'::regclass and contype = 'f') then
		alter table apitop_demo.products add foreign key (category_id) references apitop_demo.categories;
	end if;
end $$`
	// All from the start when the tiers once had other sizes; in the order of ids
	// each name is free again before it is taken.
	seedUsersSQL = `insert into apitop_demo.users as u (id, username, tier, password_hash)
select g, case when g <= $1 then 'admin' || g
		when g <= $1 + $2 then 'premium' || g - $1
		else 'basic' || g - $1 - $2 end,
	case when g <= $1 then 'admin' when g <= $1 + $2 then 'premium' else 'basic' end, $4
from generate_series((select case
		when exists (select from apitop_demo.users where id = $1 and username <> 'admin' || $1) then 1
		else coalesce(max(id), 0) + 1 end from apitop_demo.users), $3::bigint) g
on conflict (id) do update set username = excluded.username, tier = excluded.tier
where u.username <> excluded.username`
	seedOrdersSQL = `with made as (
	insert into apitop_demo.orders (user_id, total_cents)
	select u.id, u.total from unnest($1::bigint[], $2::bigint[]) with ordinality u(id, total, n)
	where not exists (select from apitop_demo.orders) order by u.n
	returning id
), numbered as (select id, row_number() over (order by id) as n from made)
insert into apitop_demo.order_items (order_id, product_id, quantity, price_cents)
select m.id, i.product, i.quantity, i.price
from numbered m join unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) i(n, product, quantity, price) on i.n = m.n`
)

// The planner knows nothing of new tables until it has counted them; of small
// ones it never learns by itself, and takes 20 categories for so many that it
// compiles the query. The vacuum lets it count products in the index alone.
const vacuumSQL = `vacuum (analyze) apitop_demo.categories, apitop_demo.products,
	apitop_demo.users, apitop_demo.orders, apitop_demo.order_items`

// Seed creates the schema and fills it with the demo's data, as far as it is
// not there yet. It may run in several processes at once. It also creates the
// extension pg_stat_statements where the role may and the server has it.
func (s *Postgres) Seed(ctx context.Context, seed Seed) error {
	if err := seed.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, seedTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return failed("seed", err)
	}
	defer conn.Release()
	// Vacuum trusts only rows whose commit has reached the log, and commits that
	// do not wait for it hold up all that are near them.
	if _, err := conn.Exec(ctx, "set synchronous_commit = on"); err != nil {
		return failed("seed", err)
	}
	if err := seedOn(ctx, conn, seed); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "reset synchronous_commit")
	return failed("seed", err)
}

func seedOn(ctx context.Context, conn *pgxpool.Conn, seed Seed) error {
	var refused *pgconn.PgError
	// Without it the demo runs just as well, so a refusal is no error.
	_, err := conn.Exec(ctx, "create extension if not exists pg_stat_statements")
	if err != nil && !errors.As(err, &refused) {
		return failed("create extension", err)
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(seedLock)); err != nil {
			return err
		}
		return fill(ctx, tx, seed)
	})
	if err != nil {
		return failed("seed", err)
	}
	_, err = conn.Exec(ctx, vacuumSQL)
	return failed("vacuum", err)
}

func fill(ctx context.Context, tx pgx.Tx, seed Seed) error {
	if _, err := tx.Exec(ctx, schemaSQL); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	if _, err := tx.Exec(ctx, seedCategoriesSQL, nouns()); err != nil {
		return fmt.Errorf("categories: %w", err)
	}
	if _, err := tx.Exec(ctx, seedProductsSQL, nouns(), materials(), seed.Products); err != nil {
		return fmt.Errorf("products: %w", err)
	}
	if _, err := tx.Exec(ctx, categoryKeySQL); err != nil {
		return fmt.Errorf("categories of products: %w", err)
	}
	// An index built over full tables takes a third of the time.
	if err := createIndexes(ctx, tx); err != nil {
		return fmt.Errorf("create indexes: %w", err)
	}
	if err := fillUsers(ctx, tx); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	if err := fillOrders(ctx, tx, seed); err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	return nil
}

type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const indexesThereSQL = `select to_regclass('apitop_demo.products_category_id_id') is not null
	and to_regclass('apitop_demo.products_name_words') is not null`

// createIndexes builds the indexes that are missing. It looks first: to find out
// by "if not exists" takes a lock on the table.
func createIndexes(ctx context.Context, db executor) error {
	var there bool
	if err := db.QueryRow(ctx, indexesThereSQL).Scan(&there); err != nil || there {
		return err
	}
	_, err := db.Exec(ctx, indexesSQL)
	return err
}

// fillUsers gives all accounts one hash: the password is the same and public,
// and a hash for each would take half a minute.
func fillUsers(ctx context.Context, tx pgx.Tx) error {
	hash, err := HashPassword(DemoPassword)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, seedUsersSQL, int64(AdminUsers), int64(PremiumUsers), int64(Users), hash)
	return err
}

func fillOrders(ctx context.Context, tx pgx.Tx, seed Seed) error {
	var users, totals, numbers []int64
	var lines []Item
	for g := int64(1); g <= int64(seed.Orders); g++ {
		items := seedItems(g, int64(seed.Products))
		users, totals = append(users, 1+g%Users), append(totals, total(items))
		for range items {
			numbers = append(numbers, g)
		}
		lines = append(lines, items...)
	}
	ids, quantities, prices := columns(lines)
	_, err := tx.Exec(ctx, seedOrdersSQL, users, totals, numbers, ids, quantities, prices)
	return err
}
