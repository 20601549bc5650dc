/** `GET /customers`: a customer exists once a key names it, or a device of its own is known. */
import {
  type Customer,
  CustomerListSchema,
  DEFAULT_LIMIT,
  PageQuery,
  reference,
} from '../../../schemas/api.ts';
import { countDevices } from '../../hub/stats.ts';
import type { Access } from '../access.ts';
import type { Api } from '../api.ts';
import type { AdminParts } from '../context.ts';
import { answers } from '../openapi.ts';
import { type Order, pageOf } from '../paging.ts';

const BY_NAME: Order<string> = {
  id: 'customer',
  direction: 'ascending',
  place: (customer) => ({ rank: 0, name: customer }),
};

export function customerRoutes(api: Api, { fleet, keys }: AdminParts, access: Access): void {
  const visible = (customer: string): Iterable<string> =>
    customer === '*' ? new Set([...keys.customers(), ...fleet.customers()]) : [customer];

  const summary = (customer: string): Customer => {
    const { total, online } = countDevices(fleet, customer);
    return { customer, devices: total, online };
  };

  api.get(
    '/customers',
    {
      schema: {
        summary: 'Customers and how many devices they have',
        tags: ['devices'],
        querystring: PageQuery,
        response: answers(200, reference(CustomerListSchema)),
      },
      onRequest: access.readers,
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const page = pageOf(visible(access.caller(request).customer), BY_NAME, { limit, cursor });
      return { items: page.items.map(summary), next: page.next };
    },
  );
}
