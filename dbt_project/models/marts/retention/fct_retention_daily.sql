{{ retention('day') }}
