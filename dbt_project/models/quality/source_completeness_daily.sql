with judged as (
    select * from {{ ref('int_completeness_judged') }}
)

select * from judged
