{{ replace(
    rows='day', suffix=true, day='business_date', order_by=['business_date'],
    affected={'int_sessions_built': [0, 0], 'int_orders_attributed': [0, 0]}
) }}

-- A customer's first payment decides about the visits of all later days: hence the suffix.
{{ gmv_visitors('day', only_affected_days('business_date')) }}
